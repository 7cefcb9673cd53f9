//! What may be left of a component, as a table.

use super::*;
use engine_core::{
    clock::Now,
    revision::{ComponentSet, Origin},
};

fn revision(number: u64, content: &str, proof: Proof) -> Revision {
    Revision {
        number,
        run: RunId(uuid::Uuid::from_u128(u128::from(number))),
        stage: "deploy".to_owned(),
        at: Now::default(),
        set: ComponentSet {
            component: "main".to_owned(),
            content: BlobName(content.to_owned()),
            images: std::collections::BTreeMap::new(),
            further_images: BTreeSet::new(),
            readiness: engine_core::revision::Readiness::Awaited,
            origin: Origin::Deploy,
        },
        proof,
    }
}

/// What was recorded, and whose objects may be left.
type Row = (&'static [(&'static str, Proof)], &'static [&'static str]);

#[test]
fn leftovers_reach_back_to_the_newest_good_set() {
    use Proof::{Bad, Good, Unproven};
    let asker = Asker { run: RunId(uuid::Uuid::from_u128(4)), stage: "deploy" };
    let table: [Row; 6] = [
        (&[], &[]),
        (&[("A", Good), ("B", Good)], &["B"]),
        (&[("A", Good), ("B", Bad), ("C", Unproven)], &["C", "B", "A"]),
        (&[("A", Bad), ("A", Bad)], &["A"]),
        (&[("A", Good), ("B", Good), ("C", Bad), ("D", Unproven)], &["C", "B"]),
        (&[("A", Good), ("B", Bad), ("B", Good)], &["B"]),
    ];
    for (history, expected) in table {
        let numbered = (1..).zip(history);
        let revisions: Vec<Revision> =
            numbered.map(|(number, (content, proof))| revision(number, content, *proof)).collect();
        let sets = remaining(&revisions, "main", asker);
        let names: Vec<&str> = sets.iter().map(|name| name.0.as_str()).collect();
        assert_eq!(names, expected, "{history:?}");
        assert_eq!(remaining(&revisions, "other", asker), Vec::<BlobName>::new());
    }
}
