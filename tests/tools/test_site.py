"""The built site: the same from the same sources, whole by its hashes, and at home under any address."""

import filecmp
import json
import re
from pathlib import Path

import pytest
from carryon_sync.server.site import relays_of

from tools.locks import pins
from tools.site.build import build
from tools.site.files import integrity
from tools.site.publish import put_root
from tools.site.release import Order, relay_origin

ROOT = Path(__file__).parent.parent.parent
NOT_IN_THE_TABLE = {"sw.js", "bom.json", ".built-from"}


def names(folder: Path) -> set[str]:
    """Every file below a folder by its path."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def worker_table(site: Path) -> dict[str, str]:
    """The integrity of every file that the service worker keeps, read from its code."""
    return dict(re.findall(r'"?([\w./-]+)"?:"(sha256-[^"]+)"', (site / "sw.js").read_text()))


def test_the_same_sources_give_the_same_site(site: Path, tmp_path: Path) -> None:
    """Two builds have the same files with the same bytes, names of hash folders included."""
    build(tmp_path / "again", Order())

    assert names(tmp_path / "again") == names(site)
    _, differing, unreadable = filecmp.cmpfiles(site, tmp_path / "again", names(site), shallow=False)
    assert differing + unreadable == []


def test_another_mark_is_another_release_on_the_same_runtime(site: Path, tmp_path: Path) -> None:
    """A release has its own folder; the runtime, which did not change, keeps its."""
    build(tmp_path / "marked", Order(mark="second"))

    assert {path.name for path in (tmp_path / "marked").glob("v/*")}.isdisjoint(path.name for path in site.glob("v/*"))
    assert {path.name for path in (tmp_path / "marked").glob("r/*")} == {path.name for path in site.glob("r/*")}


def test_the_service_worker_names_every_file_with_its_hash(site: Path) -> None:
    """What the worker keeps is all that is served, each by the hash of its bytes."""
    table = worker_table(site)

    served = {name for name in names(site) if not name.endswith((".br", ".gz"))} - NOT_IN_THE_TABLE
    assert set(table) == served
    assert table == {name: integrity((site / name).read_bytes()) for name in served}


def test_the_bill_of_materials_is_complete(site: Path) -> None:
    """It has every package that the site contains, with version, licence and hash, and every file."""
    bill = json.loads((site / "bom.json").read_text())
    packages = {package["name"].lower().replace("_", "-"): package for package in bill["packages"]}

    assert {pin.name for pin in pins(ROOT / "browser.txt").values()} <= packages.keys()
    assert {"pyodide", "yjs", "y-codemirror.next", "@codemirror/view", "idiomorph", "idb"} <= packages.keys()
    for package in packages.values():
        assert package["version"] and package["licence"] and package["hash"], f"{package['name']} is not described"
    assert set(bill["files"]) == {name for name in names(site) if not name.endswith((".br", ".gz"))} - {
        "bom.json",
        ".built-from",
    }


def test_nothing_in_the_site_has_an_absolute_address(site: Path) -> None:
    """Page, manifest and styles name files beside them only, so the site works under any base path."""
    styles = [path.relative_to(site).as_posix() for path in site.glob("v/*/*.css")]
    for name in ("index.html", "manifest.webmanifest", *styles):
        found = re.findall(r"""(?:[=:]\s*["']|url\(["']?)(?:https?:)?/[^"')]*""", (site / name).read_text())
        assert found == [], f"{name} has absolute addresses"


def test_the_page_names_only_its_own_release(site: Path) -> None:
    """No placeholder is left, and every hash in the page is that of this release."""
    page = (site / "index.html").read_text()
    release = next(site.glob("v/*")).name

    assert "%" not in re.sub(r"\d%", "", page)
    assert set(re.findall(r"v/(\w+)/", page)) == {release}
    assert f'data-release="{release}"' in page


def test_a_relay_elsewhere_is_named_in_the_policy(tmp_path: Path) -> None:
    """The page's own policy allows the relays that were named when it was built, and no other."""
    build(tmp_path / "elsewhere", Order(relay_origins=("wss://relay.example",)))

    assert "connect-src 'self' wss://relay.example;" in (tmp_path / "elsewhere" / "index.html").read_text()
    assert relays_of(tmp_path / "elsewhere") == "wss://relay.example"
    [core] = (tmp_path / "elsewhere").glob("v/*/core.js")
    assert '["wss://relay.example"]' in core.read_text()


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("wss://relay.example", "wss://relay.example"),
        ("https://Relay.example:443", "wss://relay.example"),
        ("http://localhost:8001", "ws://localhost:8001"),
        ("ws://[::1]:8001", "ws://[::1]:8001"),
    ],
)
def test_an_origin_of_a_relay_is_written_in_one_way(given: str, written: str) -> None:
    """The page's policy and the core compare the same words."""
    assert relay_origin(given) == written


@pytest.mark.parametrize(
    "given",
    [
        "relay.example",
        "example.org; script-src *",
        "wss://relay.example/path",
        "wss://*.example",
        "wss://",
        "ftp://a.b",
    ],
)
def test_what_is_no_origin_of_a_relay_is_refused(given: str) -> None:
    """It would not be one source of a policy, or more than one."""
    with pytest.raises(ValueError, match="is not an origin"):
        relay_origin(given)


def test_the_service_worker_is_put_in_place_last(tmp_path: Path) -> None:
    """A build that dies half way leaves a service worker that names files which are there."""
    shell, target = tmp_path / "shell", tmp_path / "target"
    shell.mkdir()
    for name in ("sw.js", "sw.js.br", "index.html", "zebra.txt"):
        (shell / name).write_text(name)
    (target / "zebra.txt.part").mkdir(parents=True)

    with pytest.raises(IsADirectoryError):
        put_root(shell, target)

    assert not (target / "sw.js").exists()
