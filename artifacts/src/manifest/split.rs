//! Cuts a file into documents where kubectl cuts it, so that one broken document hides no other.

/// The text of one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// Counts from 1; documents without content are counted but not handed out.
    pub(super) number: usize,
    /// The line of the file on which `text` begins, from 1.
    pub(super) line: usize,
    pub(super) text: &'a str,
}

/// The documents that have any content.
pub(super) fn split(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut piece = Piece { number: 1, line: 1, text: "" };
    let (mut start, mut end) = (0, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if is_separator(line) {
            pieces.push(Piece { text: &text[start..end], ..piece });
            let leading = pieces.len() == 1 && !has_content(&text[start..end]);
            let number = if leading { piece.number } else { piece.number + 1 };
            piece = Piece { number, line: index + 2, text: "" };
            start = end + line.len();
        }
        end += line.len();
    }
    pieces.push(Piece { text: &text[start..], ..piece });
    pieces.retain(|piece| has_content(piece.text));
    pieces
}

impl Piece<'_> {
    /// The line of the file on which the document's first content stands.
    pub(super) fn first_line(&self) -> usize {
        let before = self.text.lines().take_while(|line| !is_content(line)).count();
        self.line + before
    }
}

/// Three dashes at the very beginning of a line, with at most a comment after them.
fn is_separator(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| {
        let rest = rest.trim();
        rest.is_empty() || rest.starts_with('#')
    })
}

fn has_content(text: &str) -> bool {
    text.lines().any(is_content)
}

fn is_content(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#') && line != "..."
}
