//! The segment files by number, with a bounded number of them kept open.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use lru::LruCache;

use super::SegmentId;
use crate::disk::sync_dir;
use crate::error::StoreError;
use crate::pool::lock;

/// Files kept open at most; whoever reads keeps his own alive besides.
const OPEN_FILES: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// The directory of segments.
pub(crate) struct Files {
    dir: PathBuf,
    open: Mutex<LruCache<SegmentId, Arc<File>>>,
}

impl Files {
    pub(crate) fn new(dir: PathBuf) -> Files {
        Files { dir, open: Mutex::new(LruCache::new(OPEN_FILES)) }
    }

    pub(crate) fn path(&self, id: SegmentId) -> PathBuf {
        self.dir.join(format!("{id}.seg"))
    }

    /// The segment, for reading.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where it is gone.
    pub(crate) fn get(&self, id: SegmentId) -> Result<Arc<File>, StoreError> {
        let mut open = lock(&self.open);
        if let Some(file) = open.get(&id) {
            return Ok(file.clone());
        }
        // Opened under the lock: else a file unlinked meanwhile could get into the cache and keep its space.
        let file = match File::open(self.path(id)) {
            Ok(file) => Arc::new(file),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(StoreError::NotFound),
            Err(e) => return Err(StoreError::io("open a segment", e)),
        };
        open.put(id, file.clone());
        Ok(file)
    }

    /// A new, empty segment; the name is durable.
    pub(crate) fn create(&self, id: SegmentId) -> io::Result<Arc<File>> {
        let path = self.path(id);
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        self.sync_names()?;
        Ok(Arc::new(file))
    }

    /// A segment that is to be written on.
    pub(crate) fn reopen(&self, id: SegmentId) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).open(self.path(id))
    }

    /// Makes the file at `path` a segment; the name is durable after [`Files::sync_names`].
    pub(crate) fn adopt(&self, id: SegmentId, path: &Path) -> io::Result<()> {
        fs::rename(path, self.path(id))
    }

    pub(crate) fn sync_names(&self) -> io::Result<()> {
        sync_dir(&self.dir)
    }

    /// Removes a segment; whoever is reading it reads on.
    pub(crate) fn unlink(&self, id: SegmentId) {
        let mut open = lock(&self.open);
        open.pop(&id);
        match fs::remove_file(self.path(id)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(segment = %id, error = %e, "a segment that nobody needs could not be removed");
            }
            _ => {}
        }
    }

    /// The numbers of all segments, ascending.
    pub(crate) fn list(&self) -> io::Result<Vec<SegmentId>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|n| n.strip_suffix(".seg"));
            found.extend(number.and_then(|n| u64::from_str_radix(n, 16).ok()).map(SegmentId));
        }
        found.sort_unstable();
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unlinked_segment_is_kept_by_its_readers_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let files = Files::new(dir.path().to_owned());
        let id = SegmentId(7);
        files.create(id).expect("created");
        let reader = files.get(id).expect("there");
        assert!(Arc::ptr_eq(&reader, &files.get(id).expect("kept open")));
        files.unlink(id);
        assert_eq!(Arc::strong_count(&reader), 1, "else its space would stay taken");
        assert!(matches!(files.get(id), Err(StoreError::NotFound)));
        assert!(files.list().expect("listed").is_empty());
    }
}
