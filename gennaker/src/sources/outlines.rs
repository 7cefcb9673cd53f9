//! What is known of the files of one repository, by the hash of their content: each is read once.

use engine_core::catalogue::Outline;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// Outlines of contents that are not in force, such as those of other branches.
const OTHERS: usize = 1_000;

/// They hang on the release and on what the platform says (`facts`): by others nothing is known.
#[derive(Default)]
pub(super) struct Outlines {
    facts: Arc<str>,
    known: HashMap<String, Known>,
    uses: u64,
    /// Since they were told last.
    news: News,
}

struct Known {
    outline: Arc<Outline>,
    used: u64,
}

/// Whether there is something to write down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum News {
    Some,
    #[default]
    None,
}

impl Outlines {
    fn go_by(&mut self, facts: &Arc<str>) {
        if self.facts != *facts {
            (self.facts, self.known) = (facts.clone(), HashMap::new());
        }
    }

    pub(super) fn get(&mut self, blob: &str, facts: &Arc<str>) -> Option<Arc<Outline>> {
        self.go_by(facts);
        self.uses += 1;
        let known = self.known.get_mut(blob)?;
        known.used = self.uses;
        Some(known.outline.clone())
    }

    pub(super) fn learn(&mut self, blob: &str, outline: Arc<Outline>, facts: &Arc<str>) {
        self.go_by(facts);
        self.uses += 1;
        self.known.insert(blob.to_owned(), Known { outline, used: self.uses });
        self.news = News::Some;
    }

    /// What is to be written down: all that is in force, and of the others those used last. The rest is
    /// forgotten.
    pub(super) fn told(&mut self, in_force: &BTreeSet<&str>) -> BTreeMap<String, Arc<Outline>> {
        let others = self.known.iter().filter(|(blob, _)| !in_force.contains(blob.as_str()));
        let mut used: Vec<u64> = others.map(|(_, it)| it.used).collect();
        used.sort_unstable_by(|one, other| other.cmp(one));
        let oldest = used.get(OTHERS.saturating_sub(1)).copied().unwrap_or_default();
        self.known.retain(|blob, it| it.used >= oldest || in_force.contains(blob.as_str()));
        self.news = News::None;
        self.known.iter().map(|(blob, it)| (blob.clone(), it.outline.clone())).collect()
    }

    pub(super) fn news(&self) -> News {
        self.news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_force_stays_and_of_the_rest_what_was_used_last() {
        let (facts, mut outlines) = (Arc::from("facts"), Outlines::default());
        for blob in 0..2 * OTHERS {
            outlines.learn(&blob.to_string(), Arc::default(), &facts);
        }
        assert!(outlines.get("1", &facts).is_some());
        let told = outlines.told(&BTreeSet::from(["0"]));
        assert_eq!(told.len(), OTHERS + 1);
        let last = (2 * OTHERS - 1).to_string();
        assert!(["0", "1", &last].iter().all(|it| told.contains_key(*it)), "{:?}", told.keys());
        assert!(outlines.get("2", &facts).is_none() && outlines.news() == News::None);
    }

    #[test]
    fn nothing_is_known_by_what_another_platform_says() {
        let mut outlines = Outlines::default();
        outlines.learn("a", Arc::default(), &Arc::from("one"));
        assert!(outlines.get("a", &Arc::from("other")).is_none());
        assert!(outlines.get("a", &Arc::from("one")).is_none());
    }
}
