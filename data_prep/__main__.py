"""Command line: `python -m data_prep <command> --flag=value`."""

from data_prep.config import BasinHoppingConfig, GapConfig, RecordsConfig, TableConfig
from data_prep.config_export import ExportConfig
from data_prep.config_references import ReferencesConfig
from data_prep.config_search import ReplayConfig, SearchReportConfig, ThinConfig
from keras_ruo2.cli import Command, start

COMMANDS = {
    "basin_hopping": Command(BasinHoppingConfig, "data_prep.basin_hopping:main"),
    "export": Command(ExportConfig, "data_prep.export:main"),
    "gap": Command(GapConfig, "data_prep.gap:main"),
    "records": Command(RecordsConfig, "data_prep.records:main"),
    "references": Command(ReferencesConfig, "data_prep.references:main"),
    "replay": Command(ReplayConfig, "data_prep.replay:main"),
    "search_report": Command(SearchReportConfig, "data_prep.search_report:main"),
    "table": Command(TableConfig, "data_prep.table:main"),
    "thin": Command(ThinConfig, "data_prep.thin:main"),
}


def main():
    """Run the command line of the process: also the console script `data_prep`."""
    start("data_prep", COMMANDS)


if __name__ == "__main__":
    main()
