//! A text with one layer of encoding taken away, each byte of which knows where it came from.

use std::{borrow::Cow, ops::Range};

/// How a text is looked at.
pub(super) struct View<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    origin: Origin<'a>,
}

/// Where the bytes of a view come from.
enum Origin<'a> {
    /// The source, byte by byte.
    Source,
    Other {
        view: &'a View<'a>,
        /// In their order, without a gap in this view.
        stretches: Vec<Stretch>,
    },
}

/// Some bytes, and those that they stand for. Where both are equally many, each stands for its own.
struct Stretch {
    at: usize,
    of: Range<usize>,
}

impl View<'_> {
    /// The stretch of the source that a stretch of the view came from.
    pub(super) fn source(&self, range: Range<usize>) -> Range<usize> {
        let Origin::Other { view, stretches } = &self.origin else { return range };
        let Some(last) = range.end.checked_sub(1) else { return 0..0 };
        let origin = |at: usize| {
            let index = stretches.partition_point(|stretch| stretch.at <= at).checked_sub(1)?;
            let Stretch { at: begin, of } = stretches.get(index)?;
            let end = stretches.get(index + 1).map_or(self.bytes.len(), |next| next.at);
            Some(match end - begin == of.len() {
                true => of.start + (at - begin)..of.start + (at - begin) + 1,
                false => of.clone(),
            })
        };
        match (origin(range.start), origin(last)) {
            (Some(first), Some(last)) => view.source(first.start..last.end),
            (None, _) | (_, None) => 0..0,
        }
    }

    /// Where a line ends, also where the break itself was taken away; in their order.
    pub(super) fn line_ends(&self) -> Vec<usize> {
        let mut ends: Vec<usize> = breaks(&self.bytes).collect();
        if let Origin::Other { view, stretches } = &self.origin {
            let gone = |at: usize| {
                let next = stretches.partition_point(|stretch| stretch.of.start <= at);
                let before = next.checked_sub(1).and_then(|index| stretches.get(index));
                let is_here = before.is_some_and(|stretch| stretch.of.contains(&at));
                let end = || stretches.get(next).map_or(self.bytes.len(), |stretch| stretch.at);
                (!is_here).then(end)
            };
            ends.extend(breaks(&view.bytes).filter_map(gone));
            ends.sort_unstable();
        }
        ends
    }

    /// The view of this one in which `decoding` was undone.
    fn through<'a>(&'a self, decoding: &Decoding) -> View<'a> {
        let (mut bytes, mut stretches) = (Vec::with_capacity(self.bytes.len()), Vec::new());
        let mut at = 0;
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let plain = rest.iter().position(|byte| (decoding.begins)(*byte));
            let plain = plain.unwrap_or(rest.len());
            if plain > 0 {
                stretches.push(Stretch { at: bytes.len(), of: at..at + plain });
                bytes.extend_from_slice(&rest[..plain]);
                at += plain;
                continue;
            }
            let Taken { count, letters } = (decoding.step)(rest);
            if !letters.is_empty() {
                stretches.push(Stretch { at: bytes.len(), of: at..at + count });
                bytes.extend_from_slice(&letters);
            }
            at += count.max(1);
        }
        View { bytes: bytes.into(), origin: Origin::Other { view: self, stretches } }
    }
}

fn breaks(bytes: &[u8]) -> impl Iterator<Item = usize> {
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at)
}

/// One layer of encoding.
struct Decoding {
    /// Other bytes stand for themselves.
    begins: fn(u8) -> bool,
    /// Takes bytes from the front, of which the first begins something.
    step: fn(&[u8]) -> Taken,
}

const PERCENT: Decoding = Decoding { begins: |byte| byte == b'%', step: percent };
const FORM: Decoding = Decoding { begins: |byte| matches!(byte, b'%' | b'+'), step: form };
const ENTITY: Decoding = Decoding { begins: |byte| byte == b'&', step: entity };
const SPACE: Decoding = Decoding { begins: |byte| byte.is_ascii_whitespace(), step: space };
const ESCAPE: Decoding = Decoding { begins: |byte| byte == b'\\', step: escape };

/// What some bytes at the front of a text stand for.
struct Taken {
    count: usize,
    letters: Vec<u8>,
}

/// Looks by every view of `text` that can show something else than the others.
pub(super) fn each(text: &str, look: &mut dyn FnMut(&View<'_>)) {
    let has = |any: &[u8]| text.bytes().any(|byte| any.contains(&byte));
    let whole = View { bytes: text.as_bytes().into(), origin: Origin::Source };
    look(&whole);
    if has(b"%") {
        look(&whole.through(&PERCENT));
    }
    if has(b"%+") {
        look(&whole.through(&FORM));
    }
    if has(b"&") {
        look(&whole.through(&ENTITY));
    }
    if text.bytes().any(SPACE.begins) {
        look(&whole.through(&SPACE));
    }
    if has(b"\\") {
        let once = whole.through(&ESCAPE);
        look(&once);
        look(&once.through(&SPACE));
        // JSON within a text of JSON.
        look(&once.through(&ESCAPE));
    }
}

fn as_it_is(text: &[u8]) -> Taken {
    Taken { count: 1, letters: vec![text[0]] }
}

fn percent(text: &[u8]) -> Taken {
    let digits = text.get(1..3).filter(|_| text[0] == b'%');
    match digits.and_then(|digits| number(digits, 16)) {
        Some(byte) => Taken { count: 3, letters: vec![byte as u8] },
        None => as_it_is(text),
    }
}

fn form(text: &[u8]) -> Taken {
    if text[0] == b'+' { Taken { count: 1, letters: vec![b' '] } } else { percent(text) }
}

fn space(text: &[u8]) -> Taken {
    if text[0].is_ascii_whitespace() {
        Taken { count: 1, letters: Vec::new() }
    } else {
        as_it_is(text)
    }
}

fn entity(text: &[u8]) -> Taken {
    let known: [(&[u8], u8); 8] = [
        (b"&amp;", b'&'),
        (b"&lt;", b'<'),
        (b"&gt;", b'>'),
        (b"&quot;", b'"'),
        (b"&#34;", b'"'),
        (b"&#39;", b'\''),
        (b"&#x27;", b'\''),
        (b"&apos;", b'\''),
    ];
    let found = known.iter().find(|(entity, _)| text.starts_with(entity));
    match found {
        Some((entity, letter)) => Taken { count: entity.len(), letters: vec![*letter] },
        None => as_it_is(text),
    }
}

/// The escapes of JSON, and those of debugging output.
fn escape(text: &[u8]) -> Taken {
    let [b'\\', kind, rest @ ..] = text else { return as_it_is(text) };
    let plain = |letter: u8| Taken { count: 2, letters: vec![letter] };
    match kind {
        b'n' => plain(b'\n'),
        b'r' => plain(b'\r'),
        b't' => plain(b'\t'),
        b'b' => plain(8),
        b'f' => plain(12),
        b'0' => plain(0),
        b'"' | b'\'' | b'\\' | b'/' => plain(*kind),
        b'x' => match rest.get(..2).and_then(|digits| number(digits, 16)) {
            Some(byte) => Taken { count: 4, letters: vec![byte as u8] },
            None => as_it_is(text),
        },
        b'u' => unicode(rest).unwrap_or_else(|| as_it_is(text)),
        _ => as_it_is(text),
    }
}

/// What follows `\u`: four digits, or two pairs of surrogates, or `{digits}`.
fn unicode(rest: &[u8]) -> Option<Taken> {
    let letters = |code: u32| Some(char::from_u32(code)?.to_string().into_bytes());
    if rest.first() == Some(&b'{') {
        let end = rest.iter().take(10).position(|byte| *byte == b'}')?;
        let code = number(rest.get(1..end)?, 16)?;
        return Some(Taken { count: end + 3, letters: letters(code)? });
    }
    let high = number(rest.get(..4)?, 16)?;
    if (0xd800..0xdc00).contains(&high) {
        let low = rest.get(4..10).filter(|low| low.starts_with(b"\\u"))?;
        let low = number(&low[2..], 16).filter(|low| (0xdc00..0xe000).contains(low))?;
        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return Some(Taken { count: 12, letters: letters(code)? });
    }
    Some(Taken { count: 6, letters: letters(high)? })
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    let all = digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok().filter(|text| all && !text.is_empty())?;
    u32::from_str_radix(text, radix).ok()
}
