//! Text from a file made fit to be shown: short, on one line, nothing invisible.

/// How many characters of a value are repeated in a message.
const QUOTED: usize = 64;

/// `text` in backticks, cut and visible.
pub fn quoted(text: &str) -> String {
    format!("`{}`", cut(text, QUOTED))
}

/// At most `limit` characters of `text`, all of them visible.
pub fn cut(text: &str, limit: usize) -> String {
    let mut characters = text.chars();
    let mut shown: String = characters.by_ref().take(limit).map(visible).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// A stand-in for characters that move the cursor, reorder the line or cannot be seen.
pub(super) fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('�'),
        '\u{7f}' => '␡',
        '\u{80}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => '�',
        other => other,
    }
}
