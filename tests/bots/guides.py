"""The guides for bots: their blocks, and their commands run in the bot's folder."""

import re
import shlex
from pathlib import Path

from tests.support.bots import run_command

_GUIDES = Path(__file__).parents[2] / "docs" / "bots"


def blocks(name: str, language: str) -> list[str]:
    """Return the blocks of a language in a guide, in their order."""
    return re.findall(rf"```{language}\n(.*?)```", (_GUIDES / f"{name}.md").read_text("utf-8"), flags=re.DOTALL)


def run_console(block: str, folder: Path, *more: str) -> str:
    """Run the commands of a console block, `once` with more arguments; return what they print."""
    printed = ""
    for line in block.splitlines():
        arguments = shlex.split(line.removeprefix("$ router-policy "))
        done = run_command(folder, *arguments, *(more if arguments == ["once"] else ()))
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        printed += done.stdout
    return printed
