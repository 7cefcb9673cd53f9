//! Which triggers are asked, and what they say.

use super::*;
use crate::{
    Pipeline, Registry,
    diagnostic::SourceFile,
    expression::Kind,
    happening::{Happening, Hook},
    parameter::Given,
    stage::Fault,
    trigger::{AnyTrigger, Because, Commit, Meaning, Trigger, TriggerEvent, Verdict},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// Fires on whatever is posted under a name.
struct Bell;

#[derive(Deserialize, JsonSchema)]
struct BellConfig {
    name: String,
    #[serde(default)]
    deaf: bool,
}

impl Trigger for Bell {
    const TYPE: &'static str = "bell";
    const FIELDS: &'static [(&'static str, Kind)] = &[("payload", Kind::Any)];
    type Config = BellConfig;
    type Matcher = (String, BellConfig);

    fn compile(config: BellConfig, home: &Home) -> Result<Self::Matcher, Vec<Fault>> {
        Ok((home.application.clone(), config))
    }

    fn keys((application, config): &Self::Matcher) -> Vec<IndexKey> {
        vec![IndexKey::Hook { application: application.clone(), name: config.name.clone() }]
    }

    fn accept((_, config): &Self::Matcher, happening: &Happening) -> Verdict {
        match happening {
            Happening::Hook(hook) if !config.deaf => Verdict::Start(TriggerEvent {
                fields: serde_json::Map::from_iter([("payload".to_owned(), hook.payload.clone())]),
                meaning: Meaning::Once,
                commit: Commit::Default,
                actor: Some("mo".to_owned()),
            }),
            _ => Verdict::No(Because { filter: "deaf".to_owned(), value: "true".to_owned() }),
        }
    }
}

fn registries() -> Registries {
    Registries {
        triggers: Registry::<dyn AnyTrigger>::default().with(Bell),
        ..Registries::default()
    }
}

fn entry(source: &str, text: &str) -> Entry {
    let file = SourceFile::new("p.yaml", text.as_bytes());
    let outline = Outline::of(&file, &Pipeline::read(&file, &registries()));
    let stored: Outline = serde_json::from_str(&serde_json::to_string(&outline).unwrap()).unwrap();
    assert_eq!(stored, outline);
    // There are no stage types here, so every stage is at fault: the triggers alone matter.
    let outline = Outline { faults: Vec::new(), ..outline };
    let source = Arc::from(source);
    Entry::new((&source, "p.yaml"), (Arc::new(outline), Standing::Good), &registries(), None)
}

fn posted(application: &str, name: &str, payload: serde_json::Value) -> Happening {
    let (application, name) = (application.to_owned(), name.to_owned());
    Happening::Hook(Hook { application, name, proofs: Vec::new(), payload })
}

fn pipeline(name: &str, triggers: &str) -> String {
    format!(
        "version: 1\nname: {name}\nparameters: {{tag: {{type: string, default: x}}}}\ntriggers: {triggers}\nstages: {{}}\n"
    )
}

fn asked(catalogue: &Catalogue, happening: &Happening) -> Vec<String> {
    let told = |(entry, listening): (&Entry, &Arc<Listening>)| {
        let answer = match listening.ask(happening, &entry.outline) {
            Answer::Fires(firing) => match firing.parameters.get("tag") {
                Some(Given::Typed(value)) => format!("fires {value}"),
                Some(Given::Written(_)) | None => "fires".to_owned(),
            },
            Answer::No(because) => format!("{} {}", because.filter, because.value),
        };
        format!("{}/{} {answer}", entry.pipeline(), listening.home.trigger)
    };
    let keys = IndexKey::all_of(happening);
    let holdings = catalogue.looking(&keys);
    let asked = holdings.values().flat_map(|holding| {
        let sorted = holding.sorted(&keys, happening);
        assert_eq!(sorted.refused, []);
        sorted.open.into_iter().filter_map(|place| holding.at(place))
    });
    let mut told: Vec<String> = asked.map(told).collect();
    told.sort();
    told
}

#[test]
fn only_who_looks_at_it_is_asked_and_each_says_what_said_no() {
    let mut catalogue = Catalogue::default();
    let shop = pipeline(
        "shop",
        "[{bell: {name: built}, when: 'trigger.payload.branch == \"main\"', parameters: {tag: '${{ trigger.payload.tag }}'}}, \
          {bell: {name: built, deaf: true}}, {bell: {name: built}, enabled: false}, {bell: {name: other}}]",
    );
    let bank = pipeline("bank", "[{bell: {name: built}}]");
    catalogue.put(&Arc::from("one"), vec![entry("one", &shop)]);
    catalogue.put(&Arc::from("two"), vec![entry("two", &bank)]);
    let ring = |payload| asked(&catalogue, &posted("shop", "built", payload));
    assert_eq!(
        ring(json!({"branch": "main", "tag": "v7"})),
        ["shop/0 fires \"v7\"", "shop/1 deaf true", "shop/2 enabled false"]
    );
    assert_eq!(
        ring(json!({"branch": "dev", "tag": "v7"}))[0],
        "shop/0 when `trigger.payload.branch == \"main\"` is false: trigger.payload.branch is \"dev\""
    );
    assert!(ring(json!({"tag": "v7"}))[0].starts_with("shop/0 when `trigger.payload.branch"));
    assert!(ring(json!({"branch": "main"}))[0].starts_with("shop/0 parameters tag: "));
    assert_eq!(asked(&catalogue, &posted("bank", "built", json!(1))), ["bank/0 fires"]);
    assert_eq!(asked(&catalogue, &posted("bank", "other", json!(1))), Vec::<String>::new());
}

#[test]
fn what_a_source_no_longer_has_is_asked_no_more() {
    let mut catalogue = Catalogue::default();
    let source: Arc<str> = Arc::from("one");
    let of = |name: &str| vec![entry("one", &pipeline(name, "[{bell: {name: built}}]"))];
    catalogue.put(&source, of("shop"));
    catalogue.put(&source, of("bank"));
    assert_eq!(asked(&catalogue, &posted("shop", "built", json!(1))), Vec::<String>::new());
    assert_eq!(asked(&catalogue, &posted("bank", "built", json!(1))), ["bank/0 fires"]);
    catalogue.remove(&source);
    assert_eq!((catalogue.keys().count(), catalogue.entries().count()), (0, 0));
}
