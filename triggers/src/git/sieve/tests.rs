//! A sieve says what a loop over all says.

use super::*;
use crate::git::Git as GitTrigger;
use engine_core::{
    Registries,
    catalogue::{Activity, Answer, Catalogue, Entry, Listening, Outline, Standing, TriggerOutline},
    happening::{self, Change},
    trigger::{Home, IndexKey, Trigger, Verdict},
};
use proptest::prelude::*;
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn compiled(config: serde_json::Value) -> Option<Matcher> {
    let home = Home {
        application: "shop".to_owned(),
        pipeline: "checkout".to_owned(),
        trigger: 0,
        repository: Some("git.example.com/shop".to_owned()),
    };
    GitTrigger::compile(serde_json::from_value(config).ok()?, &home).ok()
}

/// What each says, in the order of matchers.
fn by_loop(matchers: &[&Matcher], happening: &Happening) -> Vec<Option<Because>> {
    let said = |matcher: &&Matcher| match GitTrigger::accept(matcher, happening) {
        Verdict::Start(_) => None,
        Verdict::No(because) => Some(because),
    };
    matchers.iter().map(said).collect()
}

fn by_sieve(matchers: &[&Matcher], happening: &Happening) -> Vec<Option<Because>> {
    let Sifted { open, refused } = GitSieve::of(matchers).sift(happening);
    let mut said = vec![Vec::new(); matchers.len()];
    open.iter().for_each(|at| said[*at as usize].push(None));
    for refused in refused {
        refused.all.iter().for_each(|at| said[*at as usize].push(Some(refused.because.clone())));
    }
    let one = |mut said: Vec<Option<Because>>| {
        assert_eq!(said.len(), 1, "each stands there once");
        said.remove(0)
    };
    said.into_iter().map(one).collect()
}

fn glob() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => "[ab]{1,2}",
        1 => Just("**".to_owned()),
        1 => "[ab*?]{1,2}",
        1 => Just("[a]b".to_owned()),
    ];
    let glob = prop::collection::vec(part, 1..4).prop_map(|parts| parts.join("/"));
    (glob, prop::bool::weighted(0.3))
        .prop_map(|(glob, no)| if no { format!("!{glob}") } else { glob })
}

fn globs() -> impl Strategy<Value = Option<Vec<String>>> {
    prop::option::of(prop::collection::vec(glob(), 1..4))
}

fn config() -> impl Strategy<Value = serde_json::Value> {
    let events = prop::sample::subsequence(vec!["push", "tag", "merge"], 1..=3);
    (events, globs(), globs(), globs(), globs()).prop_map(
        |(events, branches, tags, paths, ignored)| {
            let mut config = json!({ "events": events });
            let (moves, has_tags) = (events != ["tag"], events.contains(&"tag"));
            let keys = [
                ("branches", branches, moves),
                ("tags", tags, has_tags),
                ("paths", paths, moves),
                ("pathsIgnore", ignored, moves),
            ];
            for (key, globs, may) in keys {
                if let (Some(globs), true) = (globs, may) {
                    config[key] = json!(globs);
                }
            }
            config
        },
    )
}

fn changed() -> impl Strategy<Value = ChangedPaths> {
    let path = "[ab]{1,2}(/[ab]{1,2}){0,3}";
    prop_oneof![
        1 => Just(ChangedPaths::Unread),
        1 => Just(ChangedPaths::Everything),
        6 => prop::collection::vec(path, 0..5).prop_map(ChangedPaths::Those),
        2 => prop::collection::vec(path, 60..140).prop_map(ChangedPaths::Those),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    let name = || "[ab]{1,2}(/[ab]{1,2}){0,2}";
    let commit = || prop::sample::select(vec![COMMIT.to_owned(), COMMIT[..12].to_owned()]);
    prop_oneof![
        4 => (name(), commit())
            .prop_map(|(branch, after)| Change::Push { branch, before: None, after }),
        2 => (name(), prop::option::of(commit())).prop_map(|(tag, commit)| Change::Tag { tag, commit }),
        1 => name().prop_map(|branch| Change::BranchDeleted { branch }),
        2 => (name(), commit()).prop_map(|(branch, commit)| Change::Merge {
            branch,
            commit,
            number: 7,
            origin: happening::Origin::Repository,
        }),
    ]
}

const REPOSITORY: &str = "git.example.com/shop";

fn happened(change: Change, paths: ChangedPaths) -> Happening {
    Happening::Git(Git {
        repository: REPOSITORY.to_owned(),
        aliases: Vec::new(),
        change,
        actor: None,
        author: None,
        message: None,
        paths,
    })
}

/// A pipeline of these triggers, of which some are disabled.
fn entry(number: usize, triggers: &[(serde_json::Value, bool)]) -> Entry {
    let registries = Registries { triggers: crate::registry(), ..Registries::default() };
    let trigger = |(number, (config, enabled)): (u32, &(serde_json::Value, bool))| TriggerOutline {
        trigger_type: "git".to_owned(),
        number,
        activity: if *enabled { Activity::Enabled } else { Activity::Disabled },
        config: config.clone(),
        when: None,
        parameters: BTreeMap::new(),
    };
    let outline = Outline {
        name: Some(format!("p{number}")),
        triggers: (0..).zip(triggers).map(trigger).map(Arc::new).collect(),
        ..Outline::default()
    };
    let standing = match number % 5 {
        4 => Standing::Refused { faults: vec!["E001 it is broken".to_owned()] },
        _ => Standing::Good,
    };
    let (lies, what) = ((&Arc::from("shop"), "p.yaml"), (Arc::new(outline), standing));
    Entry::new(lies, what, &registries, Some(REPOSITORY))
}

/// What each says, by pipeline and trigger.
type Said = BTreeMap<(String, u32), Option<Because>>;

fn said(
    (entry, listening): (&Entry, &Arc<Listening>),
    happening: &Happening,
) -> ((String, u32), Option<Because>) {
    let because = match listening.ask(happening, &entry.outline) {
        Answer::Fires(_) => None,
        Answer::No(because) => Some(because),
    };
    ((entry.pipeline().to_owned(), listening.home.trigger), because)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn the_index_answers_what_a_loop_over_all_triggers_answers(
        pipelines in prop::collection::vec(
            prop::collection::vec((config(), prop::bool::weighted(0.9)), 0..3), 5..40,
        ),
        change in change(),
        paths in changed(),
    ) {
        let entries: Vec<Entry> =
            pipelines.iter().enumerate().map(|(number, it)| entry(number, it)).collect();
        let happening = happened(change, paths);
        let all = entries.iter().filter(|it| it.standing == Standing::Good);
        let all = all.flat_map(|entry| entry.triggers.iter().map(move |it| (entry, it)));
        let by_loop: Said = all.map(|asked| said(asked, &happening)).collect();
        let mut catalogue = Catalogue::default();
        catalogue.put(&Arc::from("shop"), entries.clone());
        let keys = IndexKey::all_of(&happening);
        let mut by_index = Said::new();
        for holding in catalogue.looking(&keys).into_values() {
            let sorted = holding.sorted(&keys, &happening);
            let open = sorted.open.iter().filter_map(|place| holding.at(*place));
            let open = open.map(|asked| said(asked, &happening));
            let refused = sorted.refused.iter().flat_map(|(because, places)| {
                let at = places.iter().filter_map(|place| holding.at(*place));
                at.map(|(entry, it)| {
                    let home = (entry.pipeline().to_owned(), it.home.trigger);
                    (home, Some(because.clone()))
                })
            });
            for (home, because) in open.chain(refused) {
                prop_assert_eq!(by_index.insert(home, because), None, "asked twice");
            }
        }
        prop_assert_eq!(by_index, by_loop);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn a_sieve_says_of_each_what_it_says_by_itself(
        configs in prop::collection::vec(config(), 1..24),
        change in change(),
        paths in changed(),
    ) {
        let matchers: Vec<Matcher> = configs.into_iter().filter_map(compiled).collect();
        let matchers: Vec<&Matcher> = matchers.iter().collect();
        let happening = happened(change, paths);
        prop_assert_eq!(by_sieve(&matchers, &happening), by_loop(&matchers, &happening));
    }
}
