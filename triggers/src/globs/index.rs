//! Many globs over few texts: by a part that a text must have, each finds the texts that may fit, so
//! that most are never tried.

use fast_glob::glob_match;
use std::collections::HashMap;

const WORD: usize = u64::BITS as usize;

/// Different globs by number, each kept once.
#[derive(Default)]
pub(crate) struct GlobIndex {
    texts: Vec<String>,
    numbers: HashMap<String, u32>,
    /// By the folder in which all that fits lies, or by the text itself if it is a literal.
    below: HashMap<String, Vec<u32>>,
    /// By a part between slashes that all that fits has.
    having: HashMap<String, Vec<u32>>,
    /// Those that have neither.
    anywhere: Vec<u32>,
}

/// For each glob, which of the texts fit: a bit each.
pub(crate) struct Fitting {
    words: usize,
    bits: Vec<u64>,
}

/// What every text has that fits a glob.
enum Anchor<'a> {
    Below(&'a str),
    Having(&'a str),
    Nothing,
}

fn anchor(glob: &str) -> Anchor<'_> {
    let is_special = |text: &str| text.contains(['*', '?', '[', ']']);
    let Some(special) = glob.find(['*', '?', '[']) else { return Anchor::Below(glob) };
    if let Some(slash) = glob.get(..special).and_then(|literal| literal.rfind('/')) {
        return Anchor::Below(&glob[..slash]);
    }
    let literal = glob.split('/').filter(|part| !part.is_empty() && !is_special(part));
    literal.max_by_key(|part| part.len()).map_or(Anchor::Nothing, Anchor::Having)
}

impl GlobIndex {
    /// Its number, the same for the same glob.
    pub(crate) fn add(&mut self, glob: &str) -> u32 {
        if let Some(number) = self.numbers.get(glob) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(glob.to_owned());
        self.numbers.insert(glob.to_owned(), number);
        match anchor(glob) {
            Anchor::Below(folder) => self.below.entry(folder.to_owned()).or_default().push(number),
            Anchor::Having(part) => self.having.entry(part.to_owned()).or_default().push(number),
            Anchor::Nothing => self.anywhere.push(number),
        }
        number
    }

    pub(crate) fn fitting(&self, texts: &[String]) -> Fitting {
        let words = texts.len().div_ceil(WORD);
        let mut fitting = Fitting { words, bits: vec![0; words * self.texts.len()] };
        for (at, text) in texts.iter().enumerate() {
            let folders = text.match_indices('/').map(|(slash, _)| &text[..slash]);
            let below = folders.chain([text.as_str()]).filter_map(|it| self.below.get(it));
            let having = text.split('/').filter_map(|part| self.having.get(part));
            let tried = below.chain(having).chain([&self.anywhere]).flatten();
            for number in tried {
                let glob = self.texts.get(*number as usize);
                if glob.is_some_and(|glob| glob_match(glob, text)) {
                    fitting.put(*number, at);
                }
            }
        }
        fitting
    }
}

impl Fitting {
    fn put(&mut self, glob: u32, text: usize) {
        let word = self.bits.get_mut(glob as usize * self.words + text / WORD);
        if let Some(word) = word {
            *word |= 1 << (text % WORD);
        }
    }

    /// How many words there are, each with the bits of 64 texts.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// Of the texts of one word, those that fit.
    pub(crate) fn word(&self, glob: u32, word: usize) -> u64 {
        self.bits.get(glob as usize * self.words + word).copied().unwrap_or_default()
    }
}
