//! The drawing as SVG: text is text, whatever an author wrote.

use super::{
    layout::{Cell, layout},
    words,
};
use engine_core::{
    Plan,
    plan::{Need, Node},
};
use std::collections::HashMap;

const MARGIN: usize = 16;
const HEIGHT: usize = 44;
const GAP: (usize, usize) = (56, 20);
/// The width of a letter, about.
const LETTER: usize = 8;
/// A longer text is cut.
const LETTERS: usize = 40;

/// Sizes in pixels.
struct Grid {
    width: usize,
}

impl Grid {
    fn left(&self, cell: Cell) -> usize {
        MARGIN + cell.column * (self.width + GAP.0)
    }

    fn top(&self, cell: Cell) -> usize {
        MARGIN + cell.row * (HEIGHT + GAP.1)
    }
}

pub(super) fn svg(plan: &Plan) -> String {
    let nodes = plan.nodes();
    let numbers: HashMap<&str, usize> =
        nodes.iter().enumerate().map(|(at, node)| (node.id.as_str(), at)).collect();
    let needs: Vec<(usize, usize, &Need)> = nodes
        .iter()
        .enumerate()
        .flat_map(|(at, node)| node.needs.iter().map(move |need| (at, need)))
        .filter_map(|(at, need)| Some((*numbers.get(need.stage.as_str())?, at, need)))
        .collect();
    let edges: Vec<(usize, usize)> = needs.iter().map(|(from, to, _)| (*from, *to)).collect();
    let laid = layout(nodes.len(), &edges);
    let letters =
        nodes.iter().flat_map(|node| [node.id.chars().count(), kind(node).chars().count()]);
    let grid = Grid { width: letters.max().unwrap_or(0).min(LETTERS) * LETTER + 24 };
    let mut drawing = head(&grid, laid.ways.iter().flatten().chain(&laid.cells), plan);
    for (way, (_, _, need)) in laid.ways.iter().zip(&needs) {
        drawing.push_str(&edge(&grid, way, &words(need)));
    }
    for (node, cell) in nodes.iter().zip(&laid.cells) {
        drawing.push_str(&stage(&grid, node, *cell));
    }
    drawing + "</svg>\n"
}

fn head<'a>(grid: &Grid, cells: impl Iterator<Item = &'a Cell>, plan: &Plan) -> String {
    let (mut width, mut height) = (0, 0);
    for cell in cells {
        width = width.max(grid.left(*cell) + grid.width + MARGIN);
        height = height.max(grid.top(*cell) + HEIGHT + MARGIN);
    }
    let title = text(&plan.document().pipeline);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <title>{title}</title>\n\
         <defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" \
         markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#667\"/></marker></defs>\n"
    )
}

fn stage(grid: &Grid, node: &Node, cell: Cell) -> String {
    let (x, y, width) = (grid.left(cell), grid.top(cell), grid.width);
    let (id, kind) = (text(&node.id), text(&kind(node)));
    let (middle, first, second) = (x + width / 2, y + 18, y + 35);
    format!(
        "<g><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEIGHT}\" rx=\"6\" fill=\"#f6f7fb\" stroke=\"#667\"/>\
         <text x=\"{middle}\" y=\"{first}\" text-anchor=\"middle\" font-weight=\"bold\" fill=\"#112\">{id}</text>\
         <text x=\"{middle}\" y=\"{second}\" text-anchor=\"middle\" fill=\"#445\">{kind}</text></g>\n"
    )
}

fn kind(node: &Node) -> String {
    match &node.environment {
        Some(environment) => format!("{} to {environment}", node.stage_type),
        None => node.stage_type.clone(),
    }
}

/// A line from right to left edges, level where it passes a column.
fn edge(grid: &Grid, way: &[Cell], words: &str) -> String {
    let mut path = String::new();
    for pair in way.windows(2) {
        let (from, to) = (grid.left(pair[0]) + grid.width, grid.left(pair[1]));
        let (high, low) = (grid.top(pair[0]) + HEIGHT / 2, grid.top(pair[1]) + HEIGHT / 2);
        let middle = from.midpoint(to);
        let begin = if path.is_empty() { 'M' } else { 'L' };
        path.push_str(&format!("{begin}{from} {high}C{middle} {high} {middle} {low} {to} {low}"));
    }
    let words = match words {
        "" => String::new(),
        words => format!("<title>{}</title>", text(words)),
    };
    let dash = if words.is_empty() { "" } else { " stroke-dasharray=\"5 3\"" };
    format!(
        "<path d=\"{path}\" fill=\"none\" stroke=\"#667\"{dash} marker-end=\"url(#arrow)\">{words}</path>\n"
    )
}

/// Text that is nothing but text in XML.
fn text(written: &str) -> String {
    let mut escaped = String::new();
    for letter in written.chars().take(LETTERS) {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    if written.chars().count() > LETTERS {
        escaped.push('…');
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn what_an_author_wrote_is_never_markup() {
        let hostile = "</text><script>alert('x')</script>&\"\u{0}\u{8}\u{ffff}";
        let safe = text(hostile);
        assert!(!safe.contains(['<', '>', '"', '\'', '\u{0}', '\u{8}', '\u{ffff}']), "{safe}");
        assert!(safe.starts_with("&lt;/text&gt;&lt;script&gt;alert(&#39;x"), "{safe}");
        assert!(text(&"x".repeat(100)).ends_with("x…"));
    }
}
