//! `describe run`: one run, whole.

use crate::{
    arguments::{Common, Output},
    exit::Exit,
    print::{Shown, print},
    screen::{Paint, Width},
    source::Source,
    watch::tree::{self, Look},
};
use engine_core::view::RunView;

pub(crate) async fn run(common: &Common, named: &str, output: Output) -> anyhow::Result<Exit> {
    print(output, &Source::find(common).await?.seen(named).await?)?;
    Ok(Exit::Success)
}

impl Shown for RunView {
    fn table(&self) {
        let (now, stdout) = (jiff::Timestamp::now(), std::io::stdout());
        let (paint, width) = (Paint::of(&stdout), Width::of(&stdout));
        for line in tree::lines(self, Look { now, paint, width, most: usize::MAX }) {
            println!("{line}");
        }
    }

    fn names(&self) -> Vec<String> {
        vec![self.label()]
    }
}

/// Several runs, one below the other.
impl Shown for Vec<RunView> {
    fn table(&self) {
        self.iter().for_each(Shown::table);
    }

    fn names(&self) -> Vec<String> {
        self.iter().flat_map(Shown::names).collect()
    }
}
