"""Break the code on purpose, one named break at a time, and see that a named test turns red.

1. A break is one replacement of text in one file; it is done in a copy of the work tree, never in the work tree itself.
2. The named test must be green in the untouched copy and red in the broken one; anything else fails the run.
3. What a test does not notice is not tested: each rule that must never be lost silently has a break here.

The breaks are listed in `tools/breaks.json`: name, rule, file, old, new, test, and `builds` where the site has to be built again.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).parent.parent
LIST: Final = Path(__file__).parent / "breaks.json"
LINKED: Final = (".venv", "node_modules")
TEST_SECONDS_MAX: Final = 600


@dataclass(frozen=True, slots=True)
class Break:
    """One deliberate break; `old` stands exactly once in `file`."""

    name: str
    rule: str
    file: str
    old: str
    new: str
    test: str
    builds: bool = False


def breaks() -> list[Break]:
    """All breaks, in the order of the list."""
    return [Break(**entry) for entry in json.loads(LIST.read_text())]


def copy_tree(target: Path) -> None:
    """Copy what git knows of the work tree, and link what set-up made."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source = REPOSITORY / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    for name in LINKED:
        (target / name).symlink_to(REPOSITORY / name)
    shutil.copytree(REPOSITORY / "build", target / "build", symlinks=True)
    shared = REPOSITORY.parent / "shared"
    if shared.is_dir():
        (target.parent / "shared").symlink_to(shared)


def run_test(tree: Path, test: str, builds: bool) -> subprocess.CompletedProcess[str]:
    """Run one test in a tree, whose own packages come first on the path."""
    python = str(tree / ".venv" / "bin" / "python")
    if builds:
        subprocess.run([python, "-m", "tools.site"], cwd=tree, check=True, capture_output=True)
    command = [python, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", test]
    environment = {
        "PATH": f"{tree / '.venv' / 'bin'}:/usr/bin:/bin",
        "HYPOTHESIS_PROFILE": "noticed",
        "PYTHONPATH": f"{tree / 'app'}:{tree / 'sync_worker'}:{tree}",
    }
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=TEST_SECONDS_MAX)


def judge(tree: Path, each: Break) -> str | None:
    """Break, test, mend; the words of what is wrong, or None when the test noticed."""
    path = tree / each.file
    whole = path.read_text()
    if whole.count(each.old) != 1:
        return f"the text to replace stands {whole.count(each.old)} times in {each.file}, not once"
    green = run_test(tree, each.test, each.builds)
    if green.returncode != 0:
        return f"{each.test} is not green before the break:\n{green.stdout[-2000:]}"
    path.write_text(whole.replace(each.old, each.new))
    red = run_test(tree, each.test, each.builds)
    path.write_text(whole)
    if red.returncode == 0:
        return f"{each.test} did not notice"
    return (
        None
        if red.returncode == 1
        else f"{each.test} did not fail but broke off:\n{red.stdout[-2000:]}{red.stderr[-2000:]}"
    )


def main() -> int:
    """Run all breaks, or those whose name contains a word."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", default="", help="only the breaks whose name contains this")
    only = parser.parse_args().only
    chosen = [each for each in breaks() if only in each.name]
    unnoticed = 0
    with tempfile.TemporaryDirectory(prefix="carryon-breaks-") as folder:
        tree = Path(folder) / "main"
        tree.mkdir()
        copy_tree(tree)
        for each in chosen:
            problem = judge(tree, each)
            unnoticed += problem is not None
            print(f"{'NOT NOTICED' if problem else 'noticed':12} {each.name}: {each.rule}", flush=True)
            if problem:
                print(f"             {problem}", flush=True)
    print(f"{len(chosen) - unnoticed} of {len(chosen)} breaks were noticed")
    return 1 if unnoticed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
