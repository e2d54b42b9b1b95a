"""What the laws of the whole need."""

from pathlib import Path

import pytest

PLUGIN = "schemathesis.pytest.plugin"


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> None:
    """Load the plugin of Schemathesis, which takes seconds, for the one module that needs it (see pyproject.toml)."""
    if module_path.name == "test_schemathesis.py":
        parent.config.pluginmanager.import_plugin(PLUGIN)
