//! Sentences in as many lines as a terminal needs for them.

use crate::screen::Width;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How many cells of a terminal a text takes.
pub(super) fn cells(text: &str) -> usize {
    text.width()
}

/// The lines of a sentence, each behind `before`. Words are parted only if one is longer than a line.
pub(super) fn wrapped(sentence: &str, (before, width): (&str, Width)) -> Vec<String> {
    let room = match width {
        Width::Endless => return vec![format!("{before}{sentence}")],
        Width::Cells(width) => width.saturating_sub(cells(before)).max(1),
    };
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in sentence.split(' ').flat_map(|word| parted(word, room)) {
        if !line.is_empty() && cells(&line) + 1 + cells(&word) > room {
            lines.push(format!("{before}{line}"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(format!("{before}{line}").trim_end().to_owned());
    lines
}

/// A word in pieces of at most `room` cells.
fn parted(word: &str, room: usize) -> Vec<String> {
    let (mut pieces, mut piece) = (Vec::new(), String::new());
    for letter in word.chars() {
        if cells(&piece) + letter.width().unwrap_or(0) > room && !piece.is_empty() {
            pieces.push(std::mem::take(&mut piece));
        }
        piece.push(letter);
    }
    pieces.push(piece);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_is_parted_between_words_and_a_long_word_within() {
        let told = |text| wrapped(text, ("| ", Width::Cells(12)));
        assert_eq!(told("as it is"), ["| as it is"]);
        assert_eq!(told("one two three four"), ["| one two", "| three four"]);
        assert_eq!(told("a verylongname is"), ["| a", "| verylongna", "| me is"]);
        assert_eq!(told("日本語日本語"), ["| 日本語日本", "| 語"]);
        assert_eq!(wrapped("a b", ("| ", Width::Cells(1))), ["| a", "| b"]);
        assert_eq!(wrapped("one two three", ("| ", Width::Endless)), ["| one two three"]);
    }
}
