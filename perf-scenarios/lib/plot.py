"""Draws the figures as SVG: a panel per scenario, a bar per proxy, a line from its least to its greatest round."""
from html import escape

from scenario import UNITS

WIDTH, LABEL, VALUE = 760, 150, 110
BAR, GAP, TITLE, MARGIN = 16, 7, 34, 20
COLOURS = {"fastgate": "#2563eb", "relay": "#9ca3af"}
OTHER = "#d97706"
ERROR = "#dc2626"


def draw(panels, caption):
    """`panels`: (title, figure, rows), top to bottom."""
    parts, top = [], MARGIN
    parts.append(_text(MARGIN, top + 12, caption, "note"))
    top += 30
    for title, figure, rows in panels:
        parts.append(_text(MARGIN, top + 14, f"{title}: {UNITS[figure]}, less is better", "title"))
        top += TITLE - 8
        most = max((max(row.values(figure)) for row in rows if row.values(figure)), default=1) or 1
        for row in rows:
            parts.append(_bar(row, figure, top, (WIDTH - 2 * MARGIN - LABEL - VALUE) / most))
            top += BAR + GAP
        top += 14
    style = ("text{font:13px sans-serif;fill:#111827}.title{font-weight:bold}.note,.value{fill:#4b5563}"
             f".note{{font-size:11px}}.wrong{{fill:{ERROR}}}line{{stroke:#111827;stroke-width:1.5}}")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top + MARGIN}" '
            f'viewBox="0 0 {WIDTH} {top + MARGIN}"><style>{style}</style>'
            f'<rect width="100%" height="100%" fill="#ffffff"/>{"".join(parts)}</svg>\n')


def _bar(row, figure, top, scale):
    middle, left = top + BAR / 2, MARGIN + LABEL
    label = _text(MARGIN, middle + 4, row.proxy, "label")
    median = row.median(figure)
    if row.errors or median is None:
        return label + _text(left, middle + 4, f"{row.errors} errors" if row.errors else "no figure", "wrong")
    values = row.values(figure)
    low, high = left + min(values) * scale, left + max(values) * scale
    return (label
            + f'<rect x="{left}" y="{top}" width="{max(median * scale, 1):.1f}" height="{BAR}" '
              f'fill="{COLOURS.get(row.proxy, OTHER)}"/>'
            + f'<line x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}"/>'
            + "".join(f'<line x1="{x:.1f}" y1="{middle - 3}" x2="{x:.1f}" y2="{middle + 3}"/>' for x in (low, high))
            + _text(max(high, left + median * scale) + 8, middle + 4, f"{median:.4g}", "value"))


def _text(x, y, text, kind):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(text)}</text>'
