//! Lists of globs over names and paths, as GitHub's workflows have them: the last one that fits
//! decides, and `!` takes away.

pub(crate) mod index;

pub(crate) use index::GlobIndex;

use engine_core::{
    files::Step,
    stage::{Fault, FaultCode},
};
use fast_glob::glob_match;

const MAX_BYTES: usize = 512;
const MAX_GLOBS: usize = 100;

/// Which texts are meant. Matching takes time in proportion to glob and text at most.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Globs(Vec<Glob>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Glob {
    pub(crate) text: String,
    pub(crate) effect: Effect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Effect {
    Adds,
    TakesAway,
}

impl Globs {
    /// What stands under `key`, or everything that is wrong with it.
    pub(crate) fn compile(key: &str, written: &[String]) -> Result<Globs, Vec<Fault>> {
        let mut globs = Vec::with_capacity(written.len());
        let mut faults = Vec::new();
        if written.len() > MAX_GLOBS {
            let message = format!("`{key}` has more than {MAX_GLOBS} globs");
            faults.push(fault(key, None, (message, "use `*` and `**`".to_owned())));
        }
        for (index, written) in written.iter().enumerate().take(MAX_GLOBS) {
            match read(written) {
                Ok(glob) => globs.push(glob),
                Err((what, help)) => {
                    let message = format!("`{key}`: `{written}` {what}");
                    faults.push(fault(key, Some(index), (message, help)));
                }
            }
        }
        let adds = globs.iter().any(|glob| glob.effect == Effect::Adds);
        if faults.is_empty() && !adds {
            let message = format!("`{key}` only takes away, so that nothing is left");
            faults.push(fault(key, None, (message, "put `**` first".to_owned())));
        }
        if faults.is_empty() { Ok(Globs(globs)) } else { Err(faults) }
    }

    /// In their order: of those that fit, the last decides.
    pub(crate) fn all(&self) -> &[Glob] {
        &self.0
    }

    pub(crate) fn admit(&self, text: &str) -> bool {
        let decides = self.0.iter().rev().find(|glob| glob_match(&glob.text, text));
        decides.is_some_and(|glob| glob.effect == Effect::Adds)
    }
}

fn read(written: &str) -> Result<Glob, (&'static str, String)> {
    let (text, effect) = match written.strip_prefix('!') {
        Some(rest) => (rest, Effect::TakesAway),
        None => (written, Effect::Adds),
    };
    match unfit(text) {
        Some(fault) => Err(fault),
        None => Ok(Glob { text: text.to_owned(), effect }),
    }
}

/// What would match otherwise than its author thinks, or nothing at all.
fn unfit(text: &str) -> Option<(&'static str, String)> {
    let told = |what, help: &str| Some((what, help.to_owned()));
    let stars = |part: &str| part.contains("**") && part != "**";
    if text.is_empty() {
        told("is empty", "`**` is everything")
    } else if text.len() > MAX_BYTES {
        told("is too long", "a glob has at most 512 bytes")
    } else if text.starts_with('!') {
        told("takes away twice", "write one `!`")
    } else if ["/", "./", "../"].iter().any(|start| text.starts_with(start)) {
        told("begins with `/` or `./`", "names and paths are relative: leave it out")
    } else if text.starts_with("refs/") {
        told("is a whole ref", "leave out `refs/heads/` or `refs/tags/`")
    } else if text.ends_with('/') {
        Some(("ends with `/`", format!("write `{text}**` for all that is below")))
    } else if text.contains("//") {
        told("has an empty part", "write one `/`")
    } else if text.contains(['\\', '{', '}']) {
        told("has a `\\`, `{` or `}`", "write one glob for each form, and `[*]` for a `*` itself")
    } else if text.contains("]+") || text.contains("*+") {
        told("has a `+` that repeats nothing", "write `*` for any number of characters")
    } else if text.split('/').any(stars) {
        let help =
            "`**` stands alone between slashes: write `docs/**`, `**/*.md`, `release/**/*-rc`";
        told("has a `**` beside other characters", help)
    } else {
        let fault = fast_glob::validate(text).err()?;
        Some(("is not a glob", fault.to_string()))
    }
}

fn fault(key: &str, index: Option<usize>, (message, help): (String, String)) -> Fault {
    let place = [Step::Key(key.to_owned())].into_iter().chain(index.map(Step::Index)).collect();
    Fault { code: FaultCode::Format, place, message, help: Some(help) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex::Regex;

    fn globs(written: &[&str]) -> Result<Globs, Vec<Fault>> {
        let written: Vec<String> = written.iter().map(|it| (*it).to_owned()).collect();
        Globs::compile("paths", &written)
    }

    #[test]
    fn stars_stop_at_slashes_and_double_stars_do_not() {
        for (glob, text, fits) in [
            ("main", "main", true),
            ("main", "Main", false),
            ("main", "main2", false),
            ("*", "main", true),
            ("*", "feature/x", false),
            ("**", "feature/x", true),
            ("release/*", "release/1", true),
            ("release/*", "release/1/x", false),
            ("release/*", "release", false),
            ("release/**", "release/1/x", true),
            ("docs/**", "docs", false),
            ("docs/**", "docs/a.md", true),
            ("docs/**", "docs2/a.md", false),
            ("docs/**", "other/docs/a.md", false),
            ("**/README.md", "README.md", true),
            ("**/README.md", "a/b/README.md", true),
            ("**/README.md", "aREADME.md", false),
            ("a/**/z", "a/z", true),
            ("a/**/z", "a/b/c/z", true),
            ("*.md", ".md", true),
            ("*.md", "a/b.md", false),
            ("v[12].?", "v1.0", true),
            ("v[12].?", "v3.0", false),
            ("v[!1]*", "v2", true),
            ("k8s/*.yaml", "k8s/.hidden.yaml", true),
            ("[*]", "*", true),
            ("[*]", "x", false),
        ] {
            assert_eq!(globs(&[glob]).unwrap().admit(text), fits, "{glob} {text}");
        }
    }

    #[test]
    fn the_last_glob_that_fits_decides() {
        let all_but = globs(&["src/**", "!src/docs/**", "src/docs/keep.md"]).unwrap();
        for (path, fits) in [
            ("src/a.rs", true),
            ("src/docs/a.md", false),
            ("src/docs/keep.md", true),
            ("other/a.rs", false),
        ] {
            assert_eq!(all_but.admit(path), fits, "{path}");
        }
    }

    #[test]
    fn what_would_match_otherwise_than_it_looks_is_refused_with_what_to_write() {
        for (glob, remedy) in [
            ("", "`**` is everything"),
            ("!", "`**` is everything"),
            ("!!a", "write one `!`"),
            ("/src/**", "relative"),
            ("./src/**", "relative"),
            ("refs/heads/main", "leave out `refs/heads/`"),
            ("docs/", "write `docs/**`"),
            ("a//b", "write one `/`"),
            ("**.js", "`**/*.md`"),
            ("feature**", "stands alone"),
            ("a.{js,ts}", "one glob for each"),
            ("v[0-9]+.[0-9]+", "write `*`"),
            ("[ab", "missing ']'"),
            ("a\\*", "`[*]` for a `*`"),
            (&"a".repeat(513), "512"),
        ] {
            let faults = globs(&["fine", glob]).unwrap_err();
            assert_eq!(faults.len(), 1, "{glob}: {faults:?}");
            assert_eq!(faults[0].place, [Step::Key("paths".to_owned()), Step::Index(1)], "{glob}");
            let help = faults[0].help.as_ref().unwrap();
            assert!(help.contains(remedy), "{glob}: {help}");
        }
        assert_eq!(globs(&["!a", "!b"]).unwrap_err()[0].place, [Step::Key("paths".to_owned())]);
        assert!(globs(&[".github/**", ".gennaker/*.yaml", "...", "..."]).is_ok());
        assert!(globs(&["a"; MAX_GLOBS + 1]).is_err());
    }

    #[test]
    fn a_glob_that_goes_back_often_ends_soon() {
        let (glob, text) = ("*a".repeat(250), "a".repeat(4_000) + "/b");
        let started = std::time::Instant::now();
        assert!(!globs(&[&glob]).unwrap().admit(&text));
        let deep = "**/a/".repeat(100) + "b";
        assert!(!globs(&[&deep]).unwrap().admit(&"a/".repeat(2_000)));
        assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
    }

    /// The same by a regular expression.
    fn by_expression(glob: &str) -> Regex {
        let parts: Vec<&str> = glob.split('/').collect();
        let mut expression = String::from("^");
        for (index, part) in parts.iter().enumerate() {
            let last = index + 1 == parts.len();
            match (*part, last) {
                ("**", true) if index == 0 => expression.push_str(".*"),
                ("**", true) => expression.push_str(".+"),
                ("**", false) => expression.push_str("(?:.*/)?"),
                (part, last) => {
                    for character in part.chars() {
                        match character {
                            '*' => expression.push_str("[^/]*"),
                            '?' => expression.push_str("[^/]"),
                            other => expression.push_str(&regex::escape(&other.to_string())),
                        }
                    }
                    if !last {
                        expression.push('/');
                    }
                }
            }
        }
        Regex::new(&(expression + "$")).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_500))]
        /// CVE-2026-25542.
        #[test]
        fn globs_mean_what_their_expression_means(
            parts in prop::collection::vec("[ab*?]{1,4}|\\*\\*", 1..5),
            texts in prop::collection::vec("[ab]{1,3}(/[ab]{1,3}){0,4}", 1..20),
        ) {
            let glob = parts.join("/");
            prop_assume!(unfit(&glob).is_none());
            let (ours, expression) = (globs(&[&glob]).unwrap(), by_expression(&glob));
            for text in texts {
                prop_assert_eq!(ours.admit(&text), expression.is_match(&text), "{} {}", glob, text);
            }
        }
    }
}
