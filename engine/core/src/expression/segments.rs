//! Where expressions stand in a text.

use super::SourceFault;

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Text(String),
    /// What stands between `${{` and `}}`, trimmed.
    Expression(String),
    /// The name of a secret: `${{ secrets.NAME }}`.
    Secret(String),
}

const OPEN: &str = "${{";
const LITERAL: &str = "$${{";

/// Takes a text apart. `$${{` stands for the characters `${{`.
pub fn pieces(text: &str) -> Result<Vec<Piece>, SourceFault> {
    let (mut pieces, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find(OPEN) {
        if rest[..at].ends_with('$') {
            plain.push_str(&rest[..at - 1]);
            plain.push_str(OPEN);
            rest = &rest[at + OPEN.len()..];
            continue;
        }
        plain.push_str(&rest[..at]);
        let source = &rest[at + OPEN.len()..];
        let end = end(source).ok_or_else(|| SourceFault {
            message: "`${{` is never closed".to_owned(),
            help: Some(format!("close it by `}}}}`; as text write `{LITERAL}`")),
        })?;
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        let expression = source[..end].trim();
        pieces.push(match secret(expression) {
            Some(name) => Piece::Secret(name.to_owned()),
            None => Piece::Expression(expression.to_owned()),
        });
        rest = &source[end + 2..];
    }
    plain.push_str(rest);
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// The name of the secret that an expression is, and nothing else.
fn secret(expression: &str) -> Option<&str> {
    expression.strip_prefix("secrets.").filter(|name| is_secret_name(name))
}

/// `[A-Z][A-Z0-9_]*`, at most 128 characters.
pub fn is_secret_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase());
    first && name.len() <= 128 && name.bytes().all(fits)
}

/// Where the `}}` begins that closes the expression: not within quotes, and not that of a map.
fn end(source: &str) -> Option<usize> {
    let bytes = source.as_bytes();
    let (mut quote, mut depth, mut at) = (None, 0_usize, 0);
    while at < bytes.len() {
        match (bytes[at], quote) {
            (b'\\', Some(_)) => at += 1,
            (byte, Some(open)) if byte == open => quote = None,
            (_, Some(_)) => {}
            (byte @ (b'"' | b'\''), None) => quote = Some(byte),
            (b'{', None) => depth += 1,
            (b'}', None) if depth > 0 => depth -= 1,
            (b'}', None) if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            (_, None) => {}
        }
        at += 1;
    }
    None
}
