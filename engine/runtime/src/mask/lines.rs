//! Masks what programs print: many lines at once, which is far cheaper than one after the other, and
//! finds what goes on in the next line.

use super::{Cuts, Known, MASKED, Mask, replaced};
use aho_corasick::AhoCorasick;
use engine_core::{stage::ServiceError, store::Line};
use std::{collections::BTreeMap, ops::Range, sync::Arc};

/// What is longer, in bytes, is not looked through between two other things.
const LONG: usize = 64 * 1024;

impl Mask {
    /// `lines` without the secrets that this process has seen. Where there is much to look through,
    /// that happens beside the threads that others wait for.
    ///
    /// # Errors
    ///
    /// Nothing was looked through: ask again.
    pub(crate) async fn lines(
        self: Arc<Mask>,
        lines: Vec<Line>,
    ) -> Result<Vec<Line>, ServiceError> {
        let bytes: usize = lines.iter().map(|line| line.text.len()).sum();
        if bytes <= LONG {
            return Ok(self.lines_now(lines));
        }
        let masked = tokio::task::spawn_blocking(move || self.lines_now(lines)).await;
        masked.map_err(|error| {
            ServiceError::Unavailable(format!("what was printed could not be masked: {error}"))
        })
    }

    pub(super) fn lines_now(&self, lines: Vec<Line>) -> Vec<Line> {
        let known = self.known();
        match &known.finder {
            _ if known.needles.is_empty() => lines,
            Some(finder) => known.lines(finder, lines),
            None => {
                lines.into_iter().map(|line| Line { text: MASKED.to_owned(), ..line }).collect()
            }
        }
    }
}

impl Known {
    /// The lines of each source are one text.
    fn lines(&self, finder: &AhoCorasick, mut lines: Vec<Line>) -> Vec<Line> {
        let mut sources: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, line) in lines.iter().enumerate() {
            sources.entry(&line.source).or_default().push(index);
        }
        let mut masked = Vec::new();
        for indices in sources.into_values() {
            let texts: Vec<&str> =
                indices.iter().map(|index| lines[*index].text.as_str()).collect();
            let found = self.found(finder, &texts.join("\n"), Cuts::Lines);
            masked.extend(indices.into_iter().zip(each(&texts, &found)));
        }
        for (index, text) in masked {
            if let Some(text) = text {
                lines[index].text = text;
            }
        }
        lines
    }
}

/// What becomes of each of `texts`, in which stretches of them all were found; nothing, if it stays
/// as it is.
fn each(texts: &[&str], found: &[Range<usize>]) -> Vec<Option<String>> {
    let (mut begin, mut left) = (0, found);
    let line = |text: &&str| {
        let (from, end) = (begin, begin + text.len());
        begin = end + 1;
        // A stretch may go on in the next line.
        let over = left.iter().take_while(|range| range.end <= from).count();
        left = &left[over..];
        let here = left.iter().take_while(|range| range.start < end);
        let within = here.map(|range| range.start.max(from) - from..range.end.min(end) - from);
        let within: Vec<Range<usize>> = within.filter(|range| !range.is_empty()).collect();
        (!within.is_empty()).then(|| replaced(text, &within))
    };
    texts.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_core::{clock::Civil, stage::Secret};
    use proptest::prelude::*;
    use std::time::Instant;

    fn mask(values: &[&str]) -> Mask {
        let mask = Mask::default();
        values.iter().for_each(|value| mask.learn(&Secret::new((*value).to_owned())));
        mask
    }

    fn lines(texts: &[(&str, &str)]) -> Vec<Line> {
        let line = |(source, text): &(&str, &str)| Line {
            at: Civil(0),
            source: (*source).to_owned(),
            text: (*text).to_owned(),
        };
        texts.iter().map(line).collect()
    }

    fn told(mask: &Mask, texts: &[(&str, &str)]) -> Vec<String> {
        mask.lines_now(lines(texts)).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn a_secret_that_goes_on_in_the_next_line_is_masked_in_both() {
        let mask = mask(&["abcdef\nghi\njklmnop", "correct-horse"]);
        let printed = [("a", "x abcdef"), ("a", "ghi"), ("a", "jklmnop y"), ("a", "end")];
        assert_eq!(told(&mask, &printed), ["x ***", "***", "*** y", "end"]);
        // Others print between.
        let printed = [("a", "x abcdef"), ("b", "zzz"), ("a", "ghi"), ("b", "y"), ("a", "jklmnop")];
        assert_eq!(told(&mask, &printed), ["x ***", "zzz", "***", "y", "***"]);
        // Cut, with a space put into it besides, before a line that is something else.
        assert_eq!(told(&mask, &[("a", "it is corre ct-h"), ("a", "\\")]), ["it is ***", "\\"]);
        let printed = [("a", "cut: correct-ho"), ("a", "it is `correct-h…`"), ("a", "")];
        assert_eq!(told(&mask, &printed), ["cut: ***", "it is `***…`", ""]);
    }

    #[test]
    fn many_lines_take_no_longer_than_reading_them() {
        let values: Vec<String> =
            (0..50).map(|at| format!("s3cr3t-{at}-{}", "q".repeat(at))).collect();
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let mask = mask(&values);
        let text = format!("{} token=s3cr3t-7-qqqqqqq", "x".repeat(80));
        let printed = lines(&vec![("pod/main", text.as_str()); 20_000]);
        let began = Instant::now();
        let masked = mask.lines_now(printed);
        println!("20000 lines were masked in {:?}", began.elapsed());
        assert!(masked.iter().all(|line| line.text.ends_with("x token=***")));
    }

    proptest! {
        #[test]
        fn a_line_among_others_is_masked_as_it_would_be_alone(
            texts in prop::collection::vec("[a-d%4\\\\ …\u{e4}]{0,30}", 1..6),
            secret in "[a-d%4\u{e4}]{4,8}",
        ) {
            let mask = mask(&[&secret]);
            let printed: Vec<(&str, &str)> = texts.iter().map(|text| ("a", text.as_str())).collect();
            for (together, text) in told(&mask, &printed).iter().zip(&texts) {
                let alone = mask.text(text);
                // What goes on in the next line hides more of it, never less.
                let left: usize = together.split(MASKED).map(str::len).sum();
                let left_alone: usize = alone.split(MASKED).map(str::len).sum();
                prop_assert!(left <= left_alone, "{together} {alone}");
            }
        }
    }
}
