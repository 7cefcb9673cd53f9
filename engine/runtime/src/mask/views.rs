//! A text with one layer of encoding taken away, each byte of which knows where it came from.

use std::ops::Range;

/// The sentences of the engine are cut at a few places at most.
const MOST_CUTS: usize = 64;

/// How a text is looked at.
pub(super) struct View {
    pub(super) bytes: Vec<u8>,
    /// Where in the source each byte comes from.
    origins: Vec<Range<usize>>,
}

impl View {
    /// The stretch of the source that a stretch of the view came from.
    pub(super) fn source(&self, range: Range<usize>) -> Range<usize> {
        let origins = self.origins.get(range).unwrap_or_default();
        match (origins.first(), origins.last()) {
            (Some(first), Some(last)) => first.start..last.end,
            (None, _) | (_, None) => 0..0,
        }
    }

    /// Where the text ends, and where a `mark` says that it was cut.
    pub(super) fn ends(&self, mark: &[u8]) -> Vec<usize> {
        let marks = self.bytes.windows(mark.len()).enumerate();
        let cuts = marks.filter(|(_, window)| *window == mark).map(|(at, _)| at);
        cuts.take(MOST_CUTS).chain([self.bytes.len()]).collect()
    }

    fn whole(text: &str) -> View {
        let origins = (0..text.len()).map(|at| at..at + 1).collect();
        View { bytes: text.as_bytes().to_vec(), origins }
    }

    /// The view that `step` makes of this one: it takes bytes from the front, and tells how many
    /// it took and what they stand for.
    fn through(&self, step: fn(&[u8]) -> Taken) -> View {
        let (mut bytes, mut origins, mut at) = (Vec::new(), Vec::new(), 0);
        while at < self.bytes.len() {
            let Taken { count, letters } = step(&self.bytes[at..]);
            let next = (at + count.max(1)).min(self.bytes.len());
            let origin = self.source(at..next);
            origins.extend(letters.iter().map(|_| origin.clone()));
            bytes.extend(letters);
            at = next;
        }
        View { bytes, origins }
    }
}

/// What some bytes at the front of a text stand for.
struct Taken {
    count: usize,
    letters: Vec<u8>,
}

/// Every view of `text` that can show something else than the others.
pub(super) fn of(text: &str) -> Vec<View> {
    let has = |any: &[char]| text.contains(any);
    let whole = View::whole(text);
    let mut views = Vec::new();
    if has(&['%']) {
        views.push(whole.through(percent));
    }
    if has(&['%', '+']) {
        views.push(whole.through(form));
    }
    if has(&['&']) {
        views.push(whole.through(entity));
    }
    if has(&[' ', '\n', '\r', '\t']) {
        views.push(whole.through(space));
    }
    if has(&['\\']) {
        let once = whole.through(escape);
        // JSON within a text of JSON.
        let twice = once.through(escape);
        views.extend([once.through(space), twice, once]);
    }
    views.push(whole);
    views
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
