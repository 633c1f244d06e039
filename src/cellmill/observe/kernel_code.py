"""How what looks at variables gets into a kernel: one expression, which runs beside the author's cells."""

from __future__ import annotations

from pathlib import Path

from cellmill.observe.inside import load

_LOADER = str(Path(load.__file__).absolute())


def call(module: str, function: str, *arguments: object, namespace: bool = True, **options: object) -> str:
    """Write the call of a function of ``inside``, to be run in a kernel.

    An expression binds no name among the author's, and the folder is loaded from its files, so that the kernel's
    environment needs no cellmill.

    Parameters
    ----------
    module, function
        Where it is.
    arguments, options
        What it is given, as plain values.
    namespace
        Whether the first argument is the kernel's variables.
    """
    given = ["globals()"] if namespace else []
    given += [*map(repr, arguments), *(f"{name}={value!r}" for name, value in options.items())]
    return f"__import__('runpy').run_path({_LOADER!r})['load']({module!r}).{function}({', '.join(given)})"
