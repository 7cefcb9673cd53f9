//! What a target runs, and what is known of it.

use crate::{
    clock::Now,
    id::{BlobName, Resource, RunId},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One place where one application runs: the cluster's identity is part of it, so that a context
/// that was pointed at another cluster is another target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    pub application: String,
    pub environment: String,
    /// The uid of the cluster's `kube-system` namespace.
    pub cluster_uid: String,
}

impl Target {
    /// The name under which runs contend for this target.
    pub fn resource(&self) -> Resource {
        let Target { application, environment, cluster_uid } = self;
        Resource(format!("target:{application}/{environment}@{cluster_uid}"))
    }

    /// The target of that name, if it is one's.
    pub fn of_resource(Resource(name): &Resource) -> Option<Target> {
        let (application, rest) = name.strip_prefix("target:")?.split_once('/')?;
        let (environment, cluster_uid) = rest.split_once('@')?;
        let [application, environment, cluster_uid] =
            [application, environment, cluster_uid].map(str::to_owned);
        Some(Target { application, environment, cluster_uid })
    }
}

/// A place in a group of runs of one application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Slot {
    pub application: String,
    pub group: String,
}

impl Slot {
    /// The name under which runs contend for it.
    pub fn resource(&self) -> Resource {
        Resource(format!("group:{}/{}", self.application, self.group))
    }

    /// The name under which runs of its application contend for being under way at all.
    pub fn room(&self) -> Resource {
        Resource(format!("run limit:{}", self.application))
    }

    /// What the names of all groups of its application begin with.
    pub fn groups(&self) -> String {
        format!("group:{}/", self.application)
    }
}

/// One recorded change of one component of a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// Counts up per target; one per (run, stage).
    pub number: u64,
    pub run: RunId,
    pub stage: String,
    pub at: Now,
    pub set: ComponentSet,
    pub proof: Proof,
}

/// The whole rendered set of one component, as it was or will be applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentSet {
    pub component: String,
    pub content: BlobName,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, String>,
    /// What else its objects start, such as volumes made of images: known to nobody by a name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub further_images: BTreeSet<String>,
    pub origin: Origin,
    #[serde(default)]
    pub readiness: Readiness,
}

/// Whether the stage that brought a set stayed until all of it was ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Readiness {
    /// It did not, or nobody has written down that it did.
    #[default]
    Unawaited,
    Awaited,
}

impl Readiness {
    pub fn word(self) -> &'static str {
        match self {
            Readiness::Unawaited => "unawaited",
            Readiness::Awaited => "awaited",
        }
    }
}

/// Where a set came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Origin {
    Deploy,
    /// The set of revision `of`, whose mark it keeps; going back marks the revision `left` as bad.
    Rollback {
        of: u64,
        left: u64,
    },
}

/// What is known of a component's set. It is proven when its run gives the target back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Proof {
    Unproven,
    Good,
    Bad,
}

impl Proof {
    pub fn word(self) -> &'static str {
        match self {
            Proof::Unproven => "unproven",
            Proof::Good => "good",
            Proof::Bad => "bad",
        }
    }
}

impl Revision {
    /// Whether its images have proven themselves there: all of it was ready, and its run ended well.
    pub fn is_proven_ready(&self) -> bool {
        (self.proof, self.set.readiness) == (Proof::Good, Readiness::Awaited)
    }

    /// Whether a later one of the same stage, of the same run, took its place: an attempt after it
    /// brought another set, and nothing is known of this one.
    pub fn is_replaced(&self, by: &Revision) -> bool {
        (self.run, &self.stage, &self.set.component) == (by.run, &by.stage, &by.set.component)
            && self.number < by.number
    }
}

/// The set that a revision brought first: going back to one is bringing that one. `revisions` are all
/// of the target.
pub fn brought(revisions: &[Revision], revision: &Revision) -> u64 {
    let mut number = revision.number;
    let of = |number: u64| {
        let same =
            |it: &&Revision| it.number == number && it.set.component == revision.set.component;
        match &revisions.iter().find(same)?.set.origin {
            Origin::Rollback { of, .. } => Some(*of),
            Origin::Deploy => None,
        }
    };
    // Each is older than the one that goes back to it.
    while let Some(earlier) = of(number).filter(|earlier| *earlier < number) {
        number = earlier;
    }
    number
}

/// The newest revision of a target that another run has recorded since `runs` last did; or, if they
/// never did, since they began. `revisions` are all of the target, oldest first.
pub fn newer<'a>(
    revisions: &'a [Revision],
    runs: &BTreeSet<RunId>,
    began: Now,
) -> Option<&'a Revision> {
    let newest = revisions.last()?;
    let is_ours = |revision: &Revision| runs.contains(&revision.run);
    let is_newer = match revisions.iter().any(is_ours) {
        true => !is_ours(newest),
        false => newest.at.elapsed > began.elapsed,
    };
    is_newer.then_some(newest)
}

/// What a target runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    pub revision: u64,
    /// Of all components.
    pub images: BTreeMap<String, String>,
}

/// What was recorded last of a target; nothing if nothing ever was. `revisions` are all of it, oldest
/// first.
pub fn live(revisions: &[Revision]) -> Option<Live> {
    let sets: BTreeMap<&str, &ComponentSet> =
        revisions.iter().map(|it| (it.set.component.as_str(), &it.set)).collect();
    let images = sets.into_values().flat_map(|set| set.images.clone()).collect();
    Some(Live { revision: revisions.last()?.number, images })
}

/// A run, as far as it matters which of two came later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Maker {
    pub pipeline: String,
    pub number: u64,
}

impl Maker {
    /// How people name the run.
    pub fn label(&self) -> String {
        format!("{}#{}", self.pipeline, self.number)
    }

    /// Whether this is a later run of the same pipeline.
    pub fn is_later_than(&self, other: &Maker) -> bool {
        self.pipeline == other.pipeline && self.number > other.number
    }
}

/// A revision that a later run of the same pipeline has recorded: whoever deploys now is out of date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overtaken {
    pub revision: u64,
    pub by: Maker,
}

/// The revisions that may make a deploy of `run` out of date, newest first: those that others have
/// recorded since it began, and since it last recorded one itself. `revisions` are all of the target,
/// oldest first.
pub fn overtaking(
    revisions: &[Revision],
    (run, began): (RunId, Now),
) -> impl Iterator<Item = &Revision> {
    let newest_first = revisions.iter().rev();
    newest_first.take_while(move |it| it.run != run && it.at.elapsed >= began.elapsed)
}

/// Where a set is to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recording {
    /// An earlier attempt has recorded the same: nothing is written.
    Reused,
    /// Under the number that this stage has already, for another component.
    Beside { number: u64 },
    /// Under the target's next number.
    Next,
}

/// One number per (run, stage), and a new one when a component's content changed. `earlier` are the
/// revisions of this target, run and stage, oldest first.
pub fn recording(earlier: &[Revision], set: &ComponentSet) -> Recording {
    let same = |revision: &&Revision| revision.set.component == set.component;
    let component = earlier.iter().rev().find(same);
    match (component, earlier.last()) {
        (Some(before), _) if before.set.content == set.content => Recording::Reused,
        (Some(before), Some(newest)) if before.number == newest.number => Recording::Next,
        (_, Some(newest)) => Recording::Beside { number: newest.number },
        (_, None) => Recording::Next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Civil, Elapsed};

    fn run(seed: u128) -> RunId {
        RunId(uuid::Uuid::from_u128(seed))
    }

    fn at(elapsed: u64) -> Now {
        Now { elapsed: Elapsed(elapsed), civil: Civil(elapsed) }
    }

    #[test]
    fn what_is_live_is_the_newest_revision_with_the_images_of_all_components() {
        assert_eq!(live(&[]), None);
        let mut all = revisions(&[(1, 1), (2, 2), (3, 3)]);
        let image = |name: &str, tag: &str| {
            BTreeMap::from([(name.to_owned(), format!("registry.example.com/{name}:{tag}"))])
        };
        all[0].set.images = image("web", "v1");
        all[1].set.component = "worker".to_owned();
        all[1].set.images = image("worker", "v1");
        all[2].set.images = image("web", "v2");
        let images = [image("web", "v2"), image("worker", "v1")].into_iter().flatten().collect();
        assert_eq!(live(&all), Some(Live { revision: 3, images }));
    }

    fn revisions(of: &[(u128, u64)]) -> Vec<Revision> {
        let revision = |(number, (by, elapsed)): (usize, &(u128, u64))| Revision {
            number: number as u64 + 1,
            run: run(*by),
            stage: "deploy".to_owned(),
            at: at(*elapsed),
            set: ComponentSet {
                component: "main".to_owned(),
                content: BlobName(format!("{number}")),
                images: BTreeMap::new(),
                further_images: BTreeSet::new(),
                origin: Origin::Deploy,
                readiness: Readiness::Awaited,
            },
            proof: Proof::Unproven,
        };
        of.iter().enumerate().map(revision).collect()
    }

    #[test]
    fn only_what_others_recorded_since_can_overtake_a_run() {
        let numbers = |of: &[(u128, u64)]| -> Vec<u64> {
            overtaking(&revisions(of), (run(7), at(50))).map(|it| it.number).collect()
        };
        for (of, expected) in [
            (&[][..], &[][..]),
            (&[(1, 10), (2, 49)], &[]),
            (&[(1, 10), (8, 50), (9, 60)], &[3, 2]),
            (&[(8, 55), (7, 60)], &[]),
            (&[(8, 55), (7, 60), (9, 70)], &[3]),
        ] {
            assert_eq!(numbers(of), expected, "{of:?}");
        }
    }

    #[test]
    fn a_later_run_is_one_of_the_same_pipeline_with_a_higher_number() {
        let maker = |pipeline: &str, number| Maker { pipeline: pipeline.to_owned(), number };
        assert!(maker("web", 13).is_later_than(&maker("web", 12)));
        for other in [maker("web", 12), maker("web", 11), maker("rollback", 13)] {
            assert!(!other.is_later_than(&maker("web", 12)), "{other:?}");
        }
    }

    #[test]
    fn a_target_has_moved_on_if_others_wrote_after_us_or_after_we_began() {
        let ours = BTreeSet::from([run(7)]);
        let number = |of: &[(u128, u64)]| {
            newer(&revisions(of), &ours, at(50)).map(|revision| revision.number)
        };
        for (of, expected) in [
            (&[][..], None),
            (&[(1, 10)], None),
            (&[(1, 10), (7, 60)], None),
            (&[(1, 10), (8, 60)], Some(2)),
            (&[(7, 60), (8, 70)], Some(2)),
        ] {
            assert_eq!(number(of), expected, "{of:?}");
        }
    }
}
