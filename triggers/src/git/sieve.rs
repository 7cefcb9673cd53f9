//! Many `git` triggers of one repository, asked at once: those with the same filters say the same, and
//! a glob is only tried on paths that have what it asks for.

use super::{
    Matcher,
    verdict::{moved, named, path_filter, unchanged},
};
use crate::globs::{Effect, GlobIndex, Globs, index::Fitting};
use engine_core::{
    happening::{ChangedPaths, Git, Happening},
    trigger::{Because, Refused, Sieve, Sifted},
};
use std::{collections::HashMap, ops::Range};

pub(super) struct GitSieve {
    /// Different filters over events and names: matchers without filters over paths.
    heads: Vec<Matcher>,
    classes: Vec<Class>,
    /// By class.
    members: Vec<u32>,
    globs: GlobIndex,
    /// Of filters over paths, one after another: globs by number.
    lists: Vec<(u32, Effect)>,
}

/// Triggers whose filters are the same.
struct Class {
    head: usize,
    filter: Option<&'static str>,
    /// In `lists`.
    paths: Option<Range<usize>>,
    ignored: Option<Range<usize>>,
    /// In `members`.
    members: Range<usize>,
}

type Head<'a> = (&'a [super::EventWord], Option<&'a Globs>, Option<&'a Globs>);
type Filters<'a> = (usize, Option<&'a Globs>, Option<&'a Globs>);

impl GitSieve {
    pub(super) fn of(matchers: &[&Matcher]) -> GitSieve {
        let (mut heads, mut known) = (Vec::new(), HashMap::<Head<'_>, usize>::new());
        let mut grouped: Vec<(Filters<'_>, &Matcher, Vec<u32>)> = Vec::new();
        let mut places = HashMap::<Filters<'_>, usize>::new();
        for (matcher, number) in matchers.iter().zip(0..) {
            let head = (&*matcher.events, matcher.branches.as_ref(), matcher.tags.as_ref());
            let head = *known.entry(head).or_insert_with(|| {
                heads.push(Matcher { paths: None, paths_ignore: None, ..(*matcher).clone() });
                heads.len() - 1
            });
            let filters = (head, matcher.paths.as_ref(), matcher.paths_ignore.as_ref());
            let place = *places.entry(filters).or_insert_with(|| {
                grouped.push((filters, matcher, Vec::new()));
                grouped.len() - 1
            });
            if let Some((_, _, members)) = grouped.get_mut(place) {
                members.push(number);
            }
        }
        let (classes, members) = (Vec::new(), Vec::with_capacity(matchers.len()));
        let (globs, lists) = (GlobIndex::default(), Vec::new());
        let mut sieve = GitSieve { heads, classes, members, globs, lists };
        for ((head, paths, ignored), matcher, members) in grouped {
            let (paths, ignored) = (sieve.listed(paths), sieve.listed(ignored));
            let from = sieve.members.len();
            sieve.members.extend(members);
            let members = from..sieve.members.len();
            let filter = path_filter(matcher);
            sieve.classes.push(Class { head, filter, paths, ignored, members });
        }
        sieve
    }

    fn listed(&mut self, globs: Option<&Globs>) -> Option<Range<usize>> {
        let from = self.lists.len();
        for glob in globs?.all() {
            self.lists.push((self.globs.add(&glob.text), glob.effect));
        }
        Some(from..self.lists.len())
    }

    /// Which texts of one word a list of globs admits: the last that fits decides.
    fn admitted(&self, list: &Range<usize>, fitting: &Fitting, word: usize) -> u64 {
        let globs = self.lists.get(list.clone()).unwrap_or_default();
        globs.iter().fold(0, |admitted, (glob, effect)| match effect {
            Effect::Adds => admitted | fitting.word(*glob, word),
            Effect::TakesAway => admitted & !fitting.word(*glob, word),
        })
    }

    /// Whether one of the changed files counts.
    fn fits(&self, class: &Class, changed: &Changed) -> bool {
        let Changed::Those(fitting, count) = changed else {
            return matches!(changed, Changed::Everything);
        };
        (0..fitting.words()).any(|word| {
            let all = u64::MAX >> (64 - (count - word * 64).min(64));
            let admitted = class.paths.as_ref().map(|it| self.admitted(it, fitting, word));
            let ignored = class.ignored.as_ref().map(|it| self.admitted(it, fitting, word));
            admitted.unwrap_or(all) & !ignored.unwrap_or_default() != 0
        })
    }

    fn changed(&self, git: &Git) -> Changed {
        match &git.paths {
            ChangedPaths::Everything => Changed::Everything,
            ChangedPaths::Unread => Changed::Unread,
            ChangedPaths::Those(paths) => Changed::Those(self.globs.fitting(paths), paths.len()),
        }
    }
}

/// What was changed, as far as globs are held against it.
enum Changed {
    Everything,
    Unread,
    Those(Fitting, usize),
}

/// Those of which one reason says no, by what that reason hangs on.
struct Refusals<'a> {
    git: &'a Git,
    heads: Vec<Result<(), Refused>>,
    paths: Vec<(&'static str, Refused)>,
}

impl Refusals<'_> {
    fn by_paths(&mut self, filter: &'static str, all: &[u32]) {
        let place = self.paths.iter().position(|(of, _)| *of == filter);
        let place = place.unwrap_or_else(|| {
            self.paths.push((filter, none(unchanged(filter, &self.git.paths))));
            self.paths.len() - 1
        });
        if let Some((_, refused)) = self.paths.get_mut(place) {
            refused.all.extend(all);
        }
    }

    fn told(self) -> Vec<Refused> {
        let heads = self.heads.into_iter().filter_map(Result::err);
        heads.chain(self.paths.into_iter().map(|(_, it)| it)).collect()
    }
}

fn none(because: Because) -> Refused {
    Refused { because, all: Vec::new() }
}

impl Sieve for GitSieve {
    fn sift(&self, happening: &Happening) -> Sifted {
        let all = || self.members.clone();
        let Happening::Git(git) = happening else {
            return Sifted { open: all(), refused: Vec::new() };
        };
        let moved = match moved(&git.change) {
            Ok(moved) => moved,
            Err(because) => {
                return Sifted { open: Vec::new(), refused: vec![Refused { because, all: all() }] };
            }
        };
        let changed = if moved.has_paths() { self.changed(git) } else { Changed::Everything };
        let heads = self.heads.iter().map(|it| named(it, git, &moved).map_err(none)).collect();
        let (mut refusals, mut open) = (Refusals { git, heads, paths: Vec::new() }, Vec::new());
        for class in &self.classes {
            let members = self.members.get(class.members.clone()).unwrap_or_default();
            match (refusals.heads.get_mut(class.head), class.filter) {
                (Some(Err(refused)), _) => refused.all.extend(members),
                (_, Some(filter)) if !self.fits(class, &changed) => {
                    refusals.by_paths(filter, members);
                }
                (Some(Ok(())) | None, _) => open.extend(members),
            }
        }
        Sifted { open, refused: refusals.told() }
    }
}

#[cfg(test)]
mod tests;
