"""Command line: `python -m data_prep <command> --flag=value`."""

from __future__ import annotations

from keras_ruo2.cli import start
from keras_ruo2.config.base import Command
from keras_ruo2.config.export import ExportConfig
from keras_ruo2.config.preparation import BasinHoppingConfig, GapConfig, RecordsConfig, TableConfig
from keras_ruo2.config.references import ReferencesConfig
from keras_ruo2.config.search import ReplayConfig, SearchReportConfig, ThinConfig

OUT = ("out",)
COMMANDS = {
    "basin_hopping": Command(BasinHoppingConfig, "keras_ruo2.basin_hopping.search:main"),
    "export": Command(ExportConfig, "data_prep.export:main", OUT),
    "gap": Command(GapConfig, "data_prep.gap:main", OUT),
    "records": Command(RecordsConfig, "keras_ruo2.records.build:main"),
    "references": Command(ReferencesConfig, "data_prep.references:main", OUT),
    "replay": Command(ReplayConfig, "data_prep.replay:main", OUT),
    "search_report": Command(SearchReportConfig, "keras_ruo2.basin_hopping.report:main", OUT),
    "table": Command(TableConfig, "data_prep.table:main"),
    "thin": Command(ThinConfig, "data_prep.thin:main", OUT),
}


def main() -> None:
    """Run the command line of the process: also the console script `data_prep`."""
    start("data_prep", COMMANDS)


if __name__ == "__main__":
    main()
