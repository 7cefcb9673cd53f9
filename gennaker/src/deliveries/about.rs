//! `why COMMIT|IMAGE`: what has arrived that speaks of it, and what became of that; and where to look
//! if nothing has.

use super::{PAGE, shown};
use crate::source::Source;
use engine_core::{
    delivery::{About, DeliveryFilter},
    id::DeliveryId,
    view::{CatalogueItem, DeliveryView},
};
use std::collections::BTreeSet;

/// Pages that are looked through, newest first, and deliveries that are told.
const PAGES: usize = 50;
const TOLD: usize = 20;

/// What was found, and how far was looked.
struct Search {
    found: Vec<DeliveryView>,
    /// The oldest that was looked at, if not all were.
    stopped_at: Option<u64>,
}

pub(crate) async fn tell(source: &Source, (text, about): (&str, &About)) -> anyhow::Result<()> {
    let search = source.speaking_of((text, about)).await?;
    for delivery in search.found.iter().take(TOLD) {
        shown::lines(delivery).iter().for_each(|line| println!("{line}"));
    }
    match search.found.len() {
        0 => {
            let served = source.catalogue().await?;
            let engine = match source {
                Source::Engine { .. } => Engine::Listens,
                Source::Store(_) => Engine::None,
            };
            let lines = advice(about, (engine, &served), search.stopped_at);
            println!("nothing that has arrived speaks of {text}");
            lines.iter().for_each(|line| println!("  {line}"));
        }
        count if count > TOLD => println!("and {} more, older ones", count - TOLD),
        _ => {}
    }
    Ok(())
}

/// Whether anybody is there for what arrives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Engine {
    Listens,
    None,
}

/// Where somebody looks who has pushed, and nothing has happened.
fn advice(
    about: &About,
    (engine, served): (Engine, &[CatalogueItem]),
    stopped_at: Option<u64>,
) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(oldest) = stopped_at {
        lines.push(format!("only deliveries from {oldest} on were looked at"));
    }
    match (engine, served) {
        (Engine::None, _) => lines.push(
            "no engine listens here, and nothing arrives while none does: `gennaker serve`"
                .to_owned(),
        ),
        (Engine::Listens, []) => lines.push(
            "the engine serves no pipeline: `sources` of gennaker.yaml say where they lie, and \
             `gennaker config view` what holds"
                .to_owned(),
        ),
        (Engine::Listens, served) => {
            let sources: BTreeSet<&str> = served.iter().map(|it| it.source.as_str()).collect();
            let names = sources.into_iter().collect::<Vec<_>>().join(", ");
            lines.push(format!("pipelines are served from {names}: is its source among them?"));
        }
    }
    let (what, kind) = match about {
        About::Commit(_) => ("a push", "git"),
        About::Image { .. } => ("an image", "image"),
    };
    let looks = looks_at(served, &format!("{kind}:"));
    lines.push(match looks.as_str() {
        "" => format!("no trigger looks at any {kind}: `gennaker get pipelines` lists triggers"),
        looks => format!("triggers look at {looks}"),
    });
    lines.push(format!(
        "{what} is told by a webhook to /receivers/NAME: does the sender have one, and what answer \
         does it list? what it cannot prove leaves no delivery"
    ));
    lines.push(format!(
        "without a webhook {what} is found by polling: `poll` in `gennaker config view` says how often"
    ));
    lines.push("`gennaker get deliveries` lists all that has arrived".to_owned());
    lines
}

/// Names of what triggers look at, some of them.
fn looks_at(served: &[CatalogueItem], kind: &str) -> String {
    const NAMED: usize = 5;
    let keys = served.iter().flat_map(|it| &it.triggers).flat_map(|it| &it.looks_at);
    let keys: BTreeSet<&str> = keys.filter_map(|key| key.strip_prefix(kind)).collect();
    let named = keys.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match keys.len() {
        count if count > NAMED => format!("{named} and {} more", count - NAMED),
        _ => named,
    }
}

impl Source {
    async fn speaking_of(&self, (text, about): (&str, &About)) -> anyhow::Result<Search> {
        let (mut found, mut cursor) = (Vec::new(), None);
        for _ in 0..PAGES {
            let (items, next) = self.page_about((text, about), cursor).await?;
            found.extend(items);
            cursor = next;
            if cursor.is_none() || found.len() > TOLD {
                break;
            }
        }
        Ok(Search { found, stopped_at: cursor })
    }

    /// Of a page those that speak of it, and where the next page begins.
    async fn page_about(
        &self,
        (text, about): (&str, &About),
        before: Option<u64>,
    ) -> anyhow::Result<(Vec<DeliveryView>, Option<u64>)> {
        match self {
            Source::Engine { client, .. } => {
                let cursor = before.map(|id| format!("&cursor={id}")).unwrap_or_default();
                let text = crate::client::segment(text);
                let path = format!("/api/v1/deliveries?limit={PAGE}&about={text}{cursor}");
                let page: engine_api::DeliveryPage = client.get(&path).await?;
                Ok((page.items, page.next.map(|next| next.parse()).transpose()?))
            }
            Source::Store(reader) => {
                let (limit, before) = (u32::try_from(PAGE).ok(), before.map(DeliveryId));
                let page = reader.deliveries(DeliveryFilter { limit, before }).await?;
                let next = page.last().filter(|_| page.len() == PAGE).map(|it| it.id.0);
                let found = page.iter().filter(|it| it.speaks_of(about));
                Ok((found.map(DeliveryView::new).collect(), next))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_core::view::CatalogueTrigger;

    fn served(source: &str, looks_at: &str) -> CatalogueItem {
        CatalogueItem {
            application: "shop".to_owned(),
            pipeline: "checkout".to_owned(),
            source: source.to_owned(),
            path: ".gennaker/checkout.yaml".to_owned(),
            triggers: vec![CatalogueTrigger {
                trigger_type: "git".to_owned(),
                enabled: true,
                looks_at: vec![looks_at.to_owned()],
            }],
            standing: "good".to_owned(),
            faults: Vec::new(),
        }
    }

    #[test]
    fn whoever_pushed_in_vain_hears_what_is_missing_where() {
        let about: About = "1a2b3c4".parse().unwrap();
        let known = [served("shop", "git:github.com/shop/checkout")];
        for ((engine, known), words) in [
            ((Engine::None, &[][..]), "`gennaker serve`"),
            ((Engine::Listens, &[][..]), "`sources` of gennaker.yaml"),
            ((Engine::Listens, &known[..]), "served from shop"),
            ((Engine::Listens, &known[..]), "triggers look at github.com/shop/checkout"),
            ((Engine::Listens, &[][..]), "no trigger looks at any git"),
        ] {
            let lines = advice(&about, (engine, known), None);
            assert!(lines.iter().any(|line| line.contains(words)), "{words}: {lines:#?}");
        }
        let lines = advice(&about, (Engine::Listens, &known), Some(17));
        assert!(lines[0].contains("from 17 on"), "{lines:#?}");
    }
}
