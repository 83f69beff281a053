"""The report: one self-contained HTML page that is right before any script runs, offline and in print."""

from benign.report.glossary import GLOSSARY
from benign.report.page import Card, Page, Picture, Section, Table, picture_of, section_of, table_of
from benign.report.writer import render_page, write_page

__all__ = [
    "GLOSSARY",
    "Card",
    "Page",
    "Picture",
    "Section",
    "Table",
    "picture_of",
    "render_page",
    "section_of",
    "table_of",
    "write_page",
]
