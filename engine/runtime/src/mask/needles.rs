//! The forms in which the value of a secret is looked for.

use super::SHORTEST_BYTES;
use base64::{Engine, engine::general_purpose};
use engine_core::stage::Secret;
use std::collections::{BTreeSet, HashMap};

/// Lines of a value that has several are looked for by themselves, for logs are read by lines.
const SHORTEST_LINE_BYTES: usize = 8;
/// Of a long value, so much at an end is surely its beginning; of a short one a quarter.
const ENOUGH_BYTES: usize = 8;
/// The letters of base64 that the shortest value takes.
const BASE64_OF_SHORTEST: usize = (SHORTEST_BYTES * 8).div_ceil(6);

#[derive(Clone, Default)]
pub(super) struct Needles {
    values: BTreeSet<Vec<u8>>,
    forms: BTreeSet<Vec<u8>>,
    /// The same by how they begin.
    beginnings: HashMap<[u8; SHORTEST_BYTES], Vec<Beginning>>,
    /// Which two bytes one begins with: most places are passed over by a look at this.
    pairs: Pairs,
    longest: usize,
}

#[derive(Clone)]
struct Beginning {
    form: Vec<u8>,
    /// How much of it must stand at an end to be more than chance: digests and names end with
    /// letters of hex, and four of those are soon the beginning of something.
    enough: usize,
}

/// A set of two bytes.
#[derive(Clone, Default)]
struct Pairs(Vec<u64>);

impl Pairs {
    const WORDS: usize = (1 << 16) / 64;

    fn add(&mut self, [first, second]: [u8; 2]) {
        self.0.resize(Pairs::WORDS, 0);
        let bit = usize::from(first) << 8 | usize::from(second);
        self.0[bit / 64] |= 1 << (bit % 64);
    }

    fn has(&self, [first, second]: [u8; 2]) -> bool {
        let bit = usize::from(first) << 8 | usize::from(second);
        self.0.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }
}

impl Beginning {
    fn is_told_by(&self, end: &[u8]) -> bool {
        end.len() >= self.enough.min(self.form.len()) && self.form.starts_with(end)
    }
}

impl Needles {
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(super) fn has(&self, secret: &Secret) -> bool {
        self.values.contains(secret.expose().as_bytes())
    }

    pub(super) fn add(&mut self, secret: &Secret) {
        let value = secret.expose().as_bytes();
        self.values.insert(value.to_vec());
        self.add_forms(value);
        // Some send a text with other ends of lines, or without those around it.
        let text = secret.expose();
        self.add_forms(text.trim().as_bytes());
        self.add_forms(text.replace("\r\n", "\n").as_bytes());
        self.add_wrapped(value);
        let lines = text.lines().map(str::trim);
        lines
            .filter(|line| line.len() >= SHORTEST_LINE_BYTES && *line != text)
            .for_each(|line| self.add_forms(line.as_bytes()));
    }

    fn add_forms(&mut self, value: &[u8]) {
        if value.len() < SHORTEST_BYTES {
            return;
        }
        let hex = hex::encode(value);
        self.add_form(value.to_vec(), (value.len() / 4).clamp(SHORTEST_BYTES, ENOUGH_BYTES));
        self.add_form(hex.to_uppercase().into_bytes(), 2 * SHORTEST_BYTES);
        self.add_form(hex.into_bytes(), 2 * SHORTEST_BYTES);
        for alignment in 0..3 {
            for engine in [general_purpose::STANDARD_NO_PAD, general_purpose::URL_SAFE_NO_PAD] {
                self.add_form(core(&engine, value, alignment), BASE64_OF_SHORTEST);
            }
        }
    }

    /// Base64 in lines of 76 or 64 letters, as programs print it.
    fn add_wrapped(&mut self, value: &[u8]) {
        for width in [57, 48] {
            let lines = value.chunks(width).filter(|_| value.len() > width);
            let lines = lines.filter(|line| line.len() >= SHORTEST_LINE_BYTES);
            lines.for_each(|line| {
                let form = core(&general_purpose::STANDARD_NO_PAD, line, 0);
                self.add_form(form, BASE64_OF_SHORTEST);
            });
        }
    }

    fn add_form(&mut self, form: Vec<u8>, enough: usize) {
        self.longest = self.longest.max(form.len());
        if let Some(beginning) = form.first_chunk()
            && self.forms.insert(form.clone())
        {
            self.pairs.add([beginning[0], beginning[1]]);
            self.beginnings.entry(*beginning).or_default().push(Beginning { form, enough });
        }
    }

    pub(super) fn patterns(&self) -> impl Iterator<Item = &[u8]> {
        self.forms.iter().map(|form| form.as_slice())
    }

    /// How much of the end of `text` is the beginning of some form, if it is enough to matter.
    pub(super) fn longest_beginning(&self, text: &[u8]) -> Option<usize> {
        let within = text.len().saturating_sub(self.longest);
        let pairs = text[within..].windows(2).enumerate();
        let likely = pairs.filter(|(_, pair)| self.pairs.has([pair[0], pair[1]]));
        let found = likely.map(|(at, _)| within + at).find(|at| {
            let end = &text[*at..];
            let likely = end.first_chunk().and_then(|beginning| self.beginnings.get(beginning));
            likely.is_some_and(|forms| forms.iter().any(|it| it.is_told_by(end)))
        });
        found.map(|at| text.len() - at)
    }
}

/// The letters of base64 that `value` gives alone, when `alignment` bytes of something else stand
/// before it in its group of three.
fn core(engine: &impl Engine, value: &[u8], alignment: usize) -> Vec<u8> {
    let mut shifted = vec![0; alignment];
    shifted.extend_from_slice(value);
    let mut letters = engine.encode(&shifted).into_bytes();
    letters.truncate(shifted.len() * 8 / 6);
    letters.split_off((alignment * 8).div_ceil(6))
}
