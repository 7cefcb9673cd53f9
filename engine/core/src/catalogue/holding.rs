//! What one source holds: its pipelines, and an index over their triggers.

use super::{Activity, Entry, Listening, Standing};
use crate::{
    happening::Happening,
    trigger::{AnyMatcher, Because, IndexKey, Sieve},
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Fewer triggers than these are asked one after another.
const SIEVED: usize = 16;

/// Which trigger of which entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    entry: u32,
    trigger: u32,
}

/// The pipelines of one source as they are at one time. What a happening costs hangs on how many
/// reasons there are to say no, and not on how many triggers say it.
#[derive(Default)]
pub struct Holding {
    entries: Vec<Entry>,
    groups: HashMap<Arc<IndexKey>, Group>,
}

/// Triggers that look at the same.
#[derive(Default)]
struct Group {
    all: Vec<Place>,
    /// They are asked by themselves.
    single: Vec<Place>,
    sieves: Vec<(Vec<Place>, Box<dyn Sieve>)>,
}

/// What is to be said of a happening before anybody is asked by himself.
#[derive(Debug, Default)]
pub struct Sorted {
    /// Still to be asked, in the order of files.
    pub open: Vec<Place>,
    pub refused: Vec<(Because, Vec<Place>)>,
}

impl Holding {
    /// What is in force: files that are broken and were never whole are asked nothing.
    pub fn in_force(entries: Vec<Entry>) -> Holding {
        Holding::of(entries, |entry| match entry.standing {
            Standing::Good | Standing::Superseded { .. } => true,
            Standing::Refused { .. } | Standing::Broken { .. } => false,
        })
    }

    /// All files of one commit: what would have been started by a broken one is told.
    pub fn at_commit(entries: Vec<Entry>) -> Holding {
        Holding::of(entries, |_| true)
    }

    fn of(entries: Vec<Entry>, is_asked: impl Fn(&Entry) -> bool) -> Holding {
        let mut listed: HashMap<IndexKey, Vec<Place>> = HashMap::new();
        for (entry, at) in entries.iter().zip(0..).filter(|(entry, _)| is_asked(entry)) {
            for (listening, trigger) in entry.triggers.iter().zip(0..) {
                for key in listening.matcher.keys() {
                    listed.entry(key).or_default().push(Place { entry: at, trigger });
                }
            }
        }
        let mut holding = Holding { entries, groups: HashMap::new() };
        let group = |(key, all): (IndexKey, Vec<Place>)| (Arc::new(key), holding.group(all));
        let groups = listed.into_iter().map(group).collect();
        holding.groups = groups;
        holding
    }

    fn group(&self, all: Vec<Place>) -> Group {
        if all.len() < SIEVED {
            return Group { single: all.clone(), all, sieves: Vec::new() };
        }
        let mut kinds: BTreeMap<&str, Vec<Place>> = BTreeMap::new();
        let (mut single, mut sieves) = (Vec::new(), Vec::new());
        for place in &all {
            match self.at(*place).map(|(entry, listening)| (&entry.standing, &listening.outline)) {
                // Of a broken file something else is asked.
                Some((Standing::Broken { .. }, _)) => single.push(*place),
                Some((_, outline)) if outline.activity == Activity::Enabled => {
                    kinds.entry(&outline.trigger_type).or_default().push(*place);
                }
                // The one filter that says no is not one of its type.
                Some(_) | None => single.push(*place),
            }
        }
        for places in kinds.into_values() {
            match self.sieve(&places) {
                Some(sieve) => sieves.push((places, sieve)),
                None => single.extend(places),
            }
        }
        Group { all, single, sieves }
    }

    fn sieve(&self, places: &[Place]) -> Option<Box<dyn Sieve>> {
        let matcher = |place: &Place| self.at(*place).map(|(_, it)| &*it.matcher);
        let matchers = places.iter().map(matcher).collect::<Option<Vec<&dyn AnyMatcher>>>()?;
        matchers.first()?.sieve(&matchers)
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub fn keys(&self) -> impl Iterator<Item = &Arc<IndexKey>> {
        self.groups.keys()
    }

    /// Whoever looks at one of these keys.
    pub fn sorted(&self, keys: &[IndexKey], happening: &Happening) -> Sorted {
        let mut sorted = Sorted::default();
        for group in keys.iter().filter_map(|key| self.groups.get(key)) {
            sorted.open.extend(&group.single);
            for (places, sieve) in &group.sieves {
                let named = |all: Vec<u32>| {
                    all.into_iter().filter_map(|at| places.get(at as usize).copied())
                };
                let sifted = sieve.sift(happening);
                sorted.open.extend(named(sifted.open));
                let refused = sifted.refused.into_iter();
                sorted.refused.extend(refused.map(|it| (it.because, named(it.all).collect())));
            }
        }
        sorted.open.sort_unstable();
        sorted
    }

    pub fn at(&self, place: Place) -> Option<(&Entry, &Arc<Listening>)> {
        let entry = self.entries.get(place.entry as usize)?;
        Some((entry, entry.triggers.get(place.trigger as usize)?))
    }

    /// The triggers that look at one key.
    pub fn listening(&self, key: &IndexKey) -> impl Iterator<Item = (&Entry, &Arc<Listening>)> {
        let places = self.groups.get(key).into_iter().flat_map(|group| &group.all);
        places.filter_map(|place| self.at(*place))
    }
}
