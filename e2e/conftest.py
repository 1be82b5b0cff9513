"""What every journey starts with: the built site, a relay process, devices with profiles of their own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Playwright, sync_playwright

from e2e.device import Device
from e2e.relay import SITE, Relay

VAULT: Final = Path(__file__).parent.parent.parent / "shared" / "data" / "vault"


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright's driver, once."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Relay]:
    """A relay that runs, on an empty folder."""
    assert (SITE / "index.html").exists(), "the site is not built: make site"
    started = Relay(tmp_path / "relay")
    started.start()
    yield started
    started.stop()


@pytest.fixture
def new_device(playwright: Playwright, tmp_path: Path) -> Iterator[Callable[..., Device]]:
    """Make devices; all are closed at the end, and no core of theirs may have failed but of those that `may_fail`."""
    devices: list[Device] = []
    sound: list[bool] = []

    def make(*, may_fail: bool = False, **options: bool | int) -> Device:
        sound.append(not may_fail)
        devices.append(Device(playwright, tmp_path / f"profile-{len(devices)}", **options))  # type: ignore[arg-type]
        return devices[-1]

    yield make
    for device in devices:
        device.close()
    assert [
        device.failures for device, is_sound in zip(devices, sound, strict=True) if is_sound and device.failures
    ] == []


@pytest.fixture
def vault() -> Path:
    """The sample vault; a plain clone of the project does not have it."""
    if not VAULT.is_dir():
        pytest.skip("the sample vault is not beside this clone (../shared/data/vault)")
    return VAULT
