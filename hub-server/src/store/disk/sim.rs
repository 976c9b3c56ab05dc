//! A disk in memory that forgets what was not synced. Every call that changes something is counted;
//! the power can be cut after any of them, and each can be made to fail before or after its effect.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::DateTime;

use super::{DirEntry, Disk, DiskFile, DiskLock, FileInfo, ReadAt};

/// A kind of call that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    MakeDir,
    Create,
    Append,
    SyncFile,
    Link,
    Rename,
    Remove,
    Truncate,
    SyncDir,
}

/// An error that a call is to give.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    pub(crate) op: Op,
    /// The path must contain this.
    pub(crate) path: String,
    /// Matching calls that go well before.
    pub(crate) skip: usize,
    pub(crate) error: io::ErrorKind,
    /// The call does its work and fails all the same: an outcome that the caller cannot know.
    pub(crate) after_effect: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Dir,
    File(usize),
}

#[derive(Debug, Clone, Default)]
struct Inode {
    durable: Vec<u8>,
    now: Vec<u8>,
    /// Written in place: a power loss keeps any of its sectors, not a prefix of its bytes.
    roomy: bool,
}

/// Bytes that are written whole or not at all in a file with room.
const SECTOR: usize = 16;
/// Room behind the records of such a file.
const ROOM: usize = 64;

impl Inode {
    fn of(bytes: Vec<u8>, roomy: bool) -> Self {
        Self { durable: bytes.clone(), now: bytes, roomy }
    }

    /// The bytes after a power loss that `keep` decides on: how many of so many.
    fn torn(&self, keep: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
        if !self.roomy {
            let common = self.durable.len().min(self.now.len());
            let kept = common + keep(self.now.len() - common);
            return self.now[..kept].to_vec();
        }
        let mut bytes = self.durable.clone();
        for at in (0..self.now.len()).step_by(SECTOR) {
            let sector = at..self.now.len().min(at + SECTOR);
            let differs = self.durable.get(sector.clone()) != Some(&self.now[sector.clone()]);
            if differs && keep(1) == 1 {
                bytes.resize(bytes.len().max(self.now.len()), 0);
                bytes[sector.clone()].copy_from_slice(&self.now[sector]);
            }
        }
        bytes
    }
}

/// A change of names in one folder that is not durable yet.
#[derive(Debug, Clone)]
enum Change {
    Set(PathBuf, Node),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
}

#[derive(Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    now: BTreeMap<PathBuf, Node>,
    durable: BTreeMap<PathBuf, Node>,
    /// Per folder, in order: a journal keeps a prefix.
    pending: BTreeMap<PathBuf, Vec<Change>>,
    locks: BTreeSet<PathBuf>,
    operations: u64,
    cut_after: Option<u64>,
    faults: Vec<Fault>,
}

/// The simulated disk; clones are the same disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct SimDisk {
    state: Arc<Mutex<State>>,
}

fn apply(names: &mut BTreeMap<PathBuf, Node>, change: &Change) {
    match change {
        Change::Set(path, node) => drop(names.insert(path.clone(), *node)),
        Change::Remove(path) => drop(names.remove(path)),
        Change::Rename(from, to) => {
            if let Some(node) = names.remove(from) {
                names.insert(to.clone(), node);
            }
        }
    }
}

fn parent(path: &Path) -> PathBuf {
    path.parent().map(Path::to_path_buf).unwrap_or_default()
}

/// A small generator, so that a seed always tears the same way.
fn draw(seed: &mut u64, below: usize) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*seed >> 33).unwrap() % below.max(1)
}

impl State {
    fn file(&self, path: &Path) -> io::Result<usize> {
        match self.now.get(path) {
            Some(Node::File(inode)) => Ok(*inode),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
    fn change(&mut self, dir: PathBuf, change: Change) {
        apply(&mut self.now, &change);
        self.pending.entry(dir).or_default().push(change);
    }
    fn folder_exists(&self, path: &Path) -> io::Result<()> {
        let dir = parent(path);
        match self.now.get(&dir) {
            Some(Node::Dir) => Ok(()),
            _ if dir.parent().is_none() => Ok(()),
            _ => Err(io::Error::new(io::ErrorKind::NotFound, format!("no folder {}", dir.display()))),
        }
    }
}

impl SimDisk {
    pub(crate) fn new() -> Self {
        Self::default()
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Changing calls so far.
    pub(crate) fn operations(&self) -> u64 {
        self.state().operations
    }
    /// The power goes after so many changing calls: later ones fail and do nothing.
    pub(crate) fn cut_after(&self, operations: u64) {
        self.state().cut_after = Some(operations);
    }
    /// All files with their bytes, as a reader sees them.
    pub(crate) fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let state = self.state();
        let file = |(path, node): (&PathBuf, &Node)| match node {
            Node::File(inode) => Some((path.clone(), state.inodes[*inode].now.clone())),
            Node::Dir => None,
        };
        state.now.iter().filter_map(file).collect()
    }
    /// One call fails; several faults are tried in the order in which they were given.
    pub(crate) fn fail(&self, fault: Fault) {
        self.state().faults.push(fault);
    }
    /// Faults that no call has met yet.
    pub(crate) fn faults_left(&self) -> usize {
        self.state().faults.len()
    }
    /// Changes one byte of a file, durably: rot.
    pub(crate) fn flip(&self, path: &Path, at: usize) {
        let mut state = self.state();
        let inode = state.file(path).unwrap();
        state.inodes[inode].now[at] ^= 0x40;
        state.inodes[inode].durable = state.inodes[inode].now.clone();
    }
    /// The process was killed but the machine runs on: nothing is lost but the locks.
    pub(crate) fn killed(&self) -> Self {
        let disk = self.after_power_loss(u64::MAX);
        disk.state().locks.clear();
        disk
    }
    /// The disk after the power came back. Seed 0: nothing unsynced survived; `u64::MAX`: all of it; any
    /// other: some prefix of each file's bytes (of a file with room some of its sectors) and of each folder's changes.
    pub(crate) fn after_power_loss(&self, seed: u64) -> Self {
        let old = self.state();
        let mut random = seed;
        let mut keep = |all: usize| match seed {
            0 => 0,
            u64::MAX => all,
            _ => draw(&mut random, all + 1),
        };
        let mut names = old.durable.clone();
        for changes in old.pending.values() {
            let kept = keep(changes.len());
            changes[..kept].iter().for_each(|change| apply(&mut names, change));
        }
        let inodes = old.inodes.iter().map(|inode| Inode::of(inode.torn(&mut keep), inode.roomy));
        let state =
            State { inodes: inodes.collect(), now: names.clone(), durable: names, ..State::default() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Counts a changing call, and does it unless the power is gone or a fault stands before it.
    fn change<T>(
        &self,
        op: Op,
        path: &Path,
        work: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut state = self.state();
        if state.cut_after.is_some_and(|cut| state.operations >= cut) {
            return Err(io::Error::other("the power is cut"));
        }
        state.operations += 1;
        let text = path.to_string_lossy().into_owned();
        let fault = state.faults.iter().position(|f| f.op == op && text.contains(&f.path));
        let fault = match fault {
            Some(at) if state.faults[at].skip > 0 => {
                state.faults[at].skip -= 1;
                None
            }
            Some(at) => Some(state.faults.remove(at)),
            None => None,
        };
        match fault {
            Some(fault) if !fault.after_effect => Err(fault.error.into()),
            Some(fault) => {
                work(&mut state)?;
                Err(fault.error.into())
            }
            None => work(&mut state),
        }
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    path: PathBuf,
    inode: usize,
}

impl DiskFile for SimFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let inode = self.inode;
        self.disk.change(Op::Append, &self.path, |state| {
            state.inodes[inode].now.extend_from_slice(bytes);
            Ok(())
        })
    }
    fn sync(&mut self) -> io::Result<()> {
        let inode = self.inode;
        self.disk.change(Op::SyncFile, &self.path, |state| {
            state.inodes[inode].durable = state.inodes[inode].now.clone();
            Ok(())
        })
    }
}

/// A file with room, as [`Disk::create_roomy`] has it.
#[derive(Debug)]
struct SimRoomy {
    file: SimFile,
    end: usize,
}

impl DiskFile for SimRoomy {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (inode, end) = (self.file.inode, self.end + bytes.len());
        self.file.disk.change(Op::Append, &self.file.path, |state| {
            let now = &mut state.inodes[inode].now;
            if now.len() < end {
                now.resize(end + ROOM, 0);
            }
            now[self.end..end].copy_from_slice(bytes);
            Ok(())
        })?;
        self.end = end;
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }
}

impl Drop for SimRoomy {
    fn drop(&mut self) {
        let mut state = self.file.disk.state();
        if state.cut_after.is_none_or(|cut| state.operations < cut) {
            state.inodes[self.file.inode].now.truncate(self.end);
        }
    }
}

#[derive(Debug)]
struct SimReader {
    disk: SimDisk,
    inode: usize,
}

impl ReadAt for SimReader {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.disk.state().inodes[self.inode].now.len() as u64)
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.disk.state();
        let bytes = &state.inodes[self.inode].now;
        let from = usize::try_from(offset).unwrap().min(bytes.len());
        let read = buffer.len().min(bytes.len() - from);
        buffer[..read].copy_from_slice(&bytes[from..from + read]);
        Ok(read)
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    path: PathBuf,
}

impl DiskLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.disk.state().locks.remove(&self.path);
    }
}

impl Disk for SimDisk {
    fn make_dir(&self, path: &Path) -> io::Result<()> {
        if path.parent().is_none() || self.state().now.get(path) == Some(&Node::Dir) {
            return Ok(());
        }
        self.make_dir(&parent(path))?;
        self.change(Op::MakeDir, path, |state| {
            // Made and synced in one call, as the port promises; durable names need durable parents.
            state.now.insert(path.to_path_buf(), Node::Dir);
            state.durable.insert(path.to_path_buf(), Node::Dir);
            Ok(())
        })
    }
    fn make_private_dir(&self, path: &Path) -> io::Result<()> {
        self.make_dir(path)
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inode = self.change(Op::Create, path, |state| {
            state.folder_exists(path)?;
            if state.now.contains_key(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            state.inodes.push(Inode::default());
            let inode = state.inodes.len() - 1;
            state.change(parent(path), Change::Set(path.to_path_buf(), Node::File(inode)));
            Ok(inode)
        })?;
        Ok(Box::new(SimFile { disk: self.clone(), path: path.to_path_buf(), inode }))
    }
    fn create_private(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.create(path)
    }
    fn append_to(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inode = self.state().file(path)?;
        Ok(Box::new(SimFile { disk: self.clone(), path: path.to_path_buf(), inode }))
    }
    fn create_roomy(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        drop(self.create(path)?);
        self.append_roomy(path)
    }
    fn append_roomy(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        let inode = state.file(path)?;
        state.inodes[inode].roomy = true;
        let end = state.inodes[inode].now.len();
        drop(state);
        Ok(Box::new(SimRoomy { file: SimFile { disk: self.clone(), path: path.to_path_buf(), inode }, end }))
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn ReadAt>> {
        let inode = self.state().file(path)?;
        Ok(Box::new(SimReader { disk: self.clone(), inode }))
    }
    fn info(&self, path: &Path) -> io::Result<FileInfo> {
        let state = self.state();
        let inode = state.file(path)?;
        Ok(FileInfo { bytes: state.inodes[inode].now.len() as u64, modified: DateTime::default() })
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<DirEntry>> {
        let state = self.state();
        if state.now.get(dir) != Some(&Node::Dir) && dir.parent().is_some() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let entries =
            state.now.iter().filter(|(path, _)| path.parent() == Some(dir)).map(|(path, node)| DirEntry {
                name: path.file_name().unwrap().to_str().unwrap().to_owned(),
                is_dir: *node == Node::Dir,
            });
        Ok(entries.collect())
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(Op::Link, to, |state| {
            state.folder_exists(to)?;
            let inode = state.file(from)?;
            if state.now.contains_key(to) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            state.change(parent(to), Change::Set(to.to_path_buf(), Node::File(inode)));
            Ok(())
        })
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        assert_eq!(from.parent(), to.parent(), "a rename stays in its folder");
        self.change(Op::Rename, to, |state| {
            state.file(from)?;
            if state.now.contains_key(to) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            state.change(parent(to), Change::Rename(from.to_path_buf(), to.to_path_buf()));
            Ok(())
        })
    }
    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        assert_eq!(from.parent(), to.parent(), "a rename stays in its folder");
        self.change(Op::Rename, to, |state| {
            state.file(from)?;
            state.change(parent(to), Change::Rename(from.to_path_buf(), to.to_path_buf()));
            Ok(())
        })
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(Op::Remove, path, |state| {
            state.file(path)?;
            state.change(parent(path), Change::Remove(path.to_path_buf()));
            Ok(())
        })
    }
    fn truncate(&self, path: &Path, bytes: u64) -> io::Result<()> {
        self.change(Op::Truncate, path, |state| {
            let inode = state.file(path)?;
            let inode = &mut state.inodes[inode];
            inode.now.resize(usize::try_from(bytes).unwrap(), 0);
            inode.durable = inode.now.clone();
            Ok(())
        })
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.change(Op::SyncDir, dir, |state| {
            let changes = state.pending.remove(dir).unwrap_or_default();
            changes.iter().for_each(|change| apply(&mut state.durable, change));
            Ok(())
        })
    }
    fn lock(&self, path: &Path) -> io::Result<Box<dyn DiskLock>> {
        if !self.state().locks.insert(path.to_path_buf()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(SimLock { disk: self.clone(), path: path.to_path_buf() }))
    }
}
