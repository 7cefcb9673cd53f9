//! A plain folder of pipelines: for trying things, and for whoever starts in one.

use super::{
    Ground,
    entries::{Found, Said, Shelving},
};
use crate::read::{self, Search};
use engine_core::{
    diagnostic::SourceFile,
    files::{FileRequest, Files},
    id::BlobName,
    platform::{Platform, Serves, Source, SourcePlace},
};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

pub(crate) struct Folder {
    source: Source,
    said: Said,
    name: Arc<str>,
    root: PathBuf,
    ground: Arc<Ground>,
    /// What lay there when it was last read.
    seen: Mutex<Option<Sight>>,
    /// The last look found less, and the next one is to say whether that is so.
    is_doubted: AtomicBool,
    /// The last look failed, and that was told.
    is_away: AtomicBool,
    /// Nothing of it comes to the shelf any more.
    closed: AtomicBool,
}

/// The size of each file, and when it was changed.
type Sight = BTreeMap<PathBuf, (u64, Option<SystemTime>)>;

enum Look {
    AsBefore,
    New(Vec<PathBuf>),
}

impl Folder {
    pub(super) fn new(source: Source, root: PathBuf, ground: Arc<Ground>) -> Folder {
        Folder::of((source, Said::There), root, ground)
    }

    fn of((source, said): (Source, Said), root: PathBuf, ground: Arc<Ground>) -> Folder {
        let name = Arc::from(source.name());
        let (seen, is_doubted, is_away) =
            (Mutex::default(), AtomicBool::default(), AtomicBool::default());
        let closed = AtomicBool::default();
        Folder { source, said, name, root, ground, seen, is_doubted, is_away, closed }
    }

    /// The folder in which the program was started, if it has pipelines.
    pub(super) fn started_in(ground: Arc<Ground>) -> Option<Folder> {
        let root = std::env::current_dir().ok()?;
        if !root.join(".gennaker").is_dir() {
            return None;
        }
        let path = root.display().to_string();
        let source = Source {
            place: SourcePlace::Directory { path },
            applications: vec!["*".to_owned()],
            environments: vec!["*".to_owned()],
            labels: BTreeMap::new(),
            poll: engine_core::language::Duration::of_seconds(60),
            paths: vec![".gennaker/*.yaml".to_owned(), ".gennaker/*.yml".to_owned()],
            serves: Serves::ItsApplications,
        };
        Some(Folder::of((source, Said::Nowhere), root, ground))
    }

    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether environments are granted by the source: without a list, nothing is restricted.
    pub(crate) fn is_listed(&self) -> bool {
        self.said == Said::There && !matches!(*self.ground.platform(), Platform::Open)
    }

    /// From here on nothing of it comes to the shelf.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    fn files(&self) -> Result<Vec<PathBuf>, String> {
        let mut search = Search::below(&self.root);
        let found = self.source.paths.iter().map(|pattern| search.files(pattern));
        let found: Vec<Vec<PathBuf>> = found.collect::<Result<_, String>>()?;
        let mut files: Vec<PathBuf> = found.into_iter().flatten().collect();
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// The files, if they are to be read again.
    fn found(&self) -> Look {
        let files = match self.files() {
            Ok(files) => files,
            Err(reason) => {
                if !self.is_away.swap(true, Ordering::AcqRel) {
                    tracing::warn!(source = &*self.name, reason, "it stays as it was last seen");
                }
                return Look::AsBefore;
            }
        };
        self.is_away.store(false, Ordering::Release);
        let told = |path: &PathBuf| {
            let about = fs::metadata(path).ok()?;
            Some((path.clone(), (about.len(), about.modified().ok())))
        };
        let now: Sight = files.iter().filter_map(told).collect();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.as_ref() == Some(&now) {
            self.is_doubted.store(false, Ordering::Release);
            return Look::AsBefore;
        }
        // What is gone may be only out of sight for a moment: it is gone if the next look finds so too.
        let is_less = seen.iter().flatten().any(|(path, _)| !now.contains_key(path));
        if is_less && !self.is_doubted.swap(true, Ordering::AcqRel) {
            return Look::AsBefore;
        }
        self.is_doubted.store(false, Ordering::Release);
        *seen = Some(now);
        drop(seen);
        Look::New(files)
    }

    /// Reads it again if something in it is other than before, and puts it on the shelf. Blocks as
    /// long as a disk does.
    pub(crate) fn look(&self) {
        let Look::New(files) = self.found() else { return };
        let shelving = Shelving {
            ground: &self.ground,
            source: &self.source,
            said: self.said,
            name: &self.name,
            repository: None,
        };
        let last = self.last_good();
        let entry = |path: &PathBuf| {
            let told = path.strip_prefix(&self.root).unwrap_or(path).display().to_string();
            let found = match read::source(path) {
                Ok(content) => Found::Whole(Arc::new(shelving.outline(&told, &content))),
                Err(error) => Found::Unreadable(format!("E015 {error}")),
            };
            let good = last.get(&told).cloned();
            shelving.entry(&told, found, good)
        };
        let entries = files.iter().map(entry).collect();
        self.ground.shelf.change(|shelf| {
            if !self.closed.load(Ordering::Acquire) {
                shelf.put(&self.name, entries);
            }
        });
    }

    /// What is in force of each file: a broken one does not end what it was.
    fn last_good(&self) -> BTreeMap<String, Arc<engine_core::catalogue::Outline>> {
        let shelf = self.ground.shelf.read();
        let whole = shelf.of_source(&self.name).iter().filter(|it| it.outline.faults.is_empty());
        whole.map(|entry| (entry.path.clone(), entry.outline.clone())).collect()
    }

    /// The text of one of its files, as it is now.
    pub(crate) fn file(&self, path: &str) -> Result<SourceFile, String> {
        let whole = self.root.join(path);
        let content = read::source(&whole).map_err(|error| format!("{path}: {error}"))?;
        Ok(SourceFile::new(path.to_owned(), &content))
    }

    pub(crate) fn neighbours(&self, path: &str) -> Vec<SourceFile> {
        let root: &Path = &self.root;
        let told = |file: &PathBuf| file.strip_prefix(root).unwrap_or(file).display().to_string();
        let others = self
            .files()
            .unwrap_or_default()
            .into_iter()
            .map(|file| told(&file))
            .filter(|it| it != path);
        others.filter_map(|it| self.file(&it).ok()).collect()
    }

    pub(crate) fn read(&self, requests: &[FileRequest], name: &dyn Fn(&[u8]) -> BlobName) -> Files {
        read::files(&self.root, requests, (name, &read::Allowance::default()))
    }
}
