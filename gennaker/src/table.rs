//! A table on a terminal: columns as wide as what stands in them.

use unicode_width::UnicodeWidthStr;

/// What is longer moves only what stands after it in its own line.
const WIDEST: usize = 48;
const GAP: &str = "  ";

/// Lines of cells; the last cell of a line is as long as it likes.
pub(crate) struct Table(Vec<Line>);

enum Line {
    Cells(Vec<String>),
    /// Said of the line above.
    Note(String),
}

impl Table {
    pub(crate) fn new<const N: usize>(titles: [&str; N]) -> Table {
        let mut table = Table(Vec::new());
        table.row(titles);
        table
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.0.push(Line::Cells(cells.map(str::to_owned).to_vec()));
    }

    pub(crate) fn note(&mut self, words: String) {
        self.0.push(Line::Note(words));
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let widths = self.widths();
        let line = |line: &Line| match line {
            Line::Note(words) => words.clone(),
            Line::Cells(cells) => padded(cells, &widths),
        };
        self.0.iter().map(line).collect()
    }

    pub(crate) fn print(&self) {
        self.lines().iter().for_each(|line| println!("{line}"));
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = Vec::new();
        for line in &self.0 {
            let Line::Cells(cells) = line else { continue };
            widths.resize(cells.len().max(widths.len()), 0);
            let cells = cells.iter().map(|cell| cell.width()).filter(|width| *width <= WIDEST);
            widths.iter_mut().zip(cells).for_each(|(widest, width)| *widest = width.max(*widest));
        }
        widths
    }
}

fn padded(cells: &[String], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        line.push_str(cell);
        line.push_str(&" ".repeat(width.saturating_sub(cell.width())));
        line.push_str(GAP);
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_stands_in_them_and_no_cell_is_cut() {
        let mut table = Table::new(["ID", "WHAT", "WHY"]);
        table.row(["7", "\u{5bc6}\u{7801}", "no"]);
        table.note("    a note".to_owned());
        table.row(["12345", &"x".repeat(60), "yes"]);
        table.row(["8", "abc", ""]);
        let long = format!("12345  {}  yes", "x".repeat(60));
        let expected = [
            "ID     WHAT  WHY",
            "7      \u{5bc6}\u{7801}  no",
            "    a note",
            long.as_str(),
            "8      abc",
        ];
        assert_eq!(table.lines(), expected);
    }
}
