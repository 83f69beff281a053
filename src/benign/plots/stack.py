"""Several curves one above the other on one horizontal axis: loss, error, norm, as in Belkin et al. (2019), Fig. 2."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benign.foundation.errors import invalid
from benign.plots.curve import CurveDisplay, draw_on, draw_stack
from benign.plots.display import Display
from benign.plots.layout import Sheet, Words, as_panel_axes
from benign.plots.scales import Scale

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True, eq=False)
class StackedDisplay(Display):
    """Small multiples: the panels share the horizontal axis, so that the threshold stands at one place in all.

    Attributes:
        title: what they show together.
        panels: from top to bottom; their own titles are not drawn, their ``y_label`` names them. The threshold and the
            regimes are written in the topmost alone.
        caption: one sentence; by default the captions of the panels, each once.
    """

    panels: tuple[CurveDisplay, ...]

    def __post_init__(self) -> None:
        if not self.panels:
            raise invalid("panels", "must hold at least one display to draw.")
        object.__setattr__(self, "panels", tuple(self.panels))

    @property
    def full_caption(self) -> str:
        """The caption, with a sentence on everything that a panel does not show as it was asked."""
        captions = [panel.full_caption.removeprefix(panel.caption).strip() for panel in self.panels]
        own = [self.caption] if self.caption else [panel.caption for panel in self.panels]
        said = {_gist(text): text for text in reversed(own + captions) if text}
        return " ".join(reversed(said.values()))

    @property
    def alternative_text(self) -> str:
        """The pictures in words, from top to bottom."""
        panels = " ".join(panel.alternative_text for panel in self.panels)
        return f"{self.title}: {len(self.panels)} charts one above the other. {panels}"

    def _aligned(self) -> tuple[CurveDisplay, ...]:
        """The panels on the union of their horizontal axes."""
        x = [panel.scales[0] for panel in self.panels]
        is_log = all(one.is_log for one in x)
        shared = Scale(is_log=is_log, low=min(one.low for one in x), high=max(one.high for one in x))
        return tuple(panel.on_axis(shared) for panel in self.panels)

    def _taken(self, ax: object) -> tuple[Axes, ...]:
        return as_panel_axes(ax, len(self.panels))

    def _draw_on(self, axes: tuple[Axes, ...]) -> None:
        for one, panel in zip(axes, self._aligned(), strict=True):
            draw_on(one, panel)

    def _on_sheet(self, sheet: Sheet, words: Words) -> Figure:
        return draw_stack(self._aligned(), sheet, words)

    def frame(self) -> pd.DataFrame:
        """All numbers: panel (its ``y_label``), series, role, position, median, low, high."""
        import pandas as pd

        frames = []
        for panel in self.panels:
            frame = panel.frame()
            frame.insert(0, "panel", panel.y_label)
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)


def _gist(caption: str) -> str:
    """What two panels' captions share: how many of the sizes each draws may differ by a few."""
    return re.sub(r"^Drawn: [\d,]+ (of [\d,]+ \w+)( of each line)?", r"\1", caption)
