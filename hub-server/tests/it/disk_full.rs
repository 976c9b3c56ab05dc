//! A full disk: refused with its Reason, nothing lost, and all is well once there is room again.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::harness::{PERIOD, Server, kutno_sample, run, synthetic, wait_for};

/// Mounts a small disk for the server alone, then becomes the server.
const ON_A_SMALL_DISK: &str = r#"mount -t tmpfs -o size=40m hub-test "$1" && shift && exec "$@""#;
/// Room that is left for the catalogue when the disk counts as full.
const CRUMBS: usize = 64 << 10;

/// A program that may mount: as root, or as root of a namespace of its own.
fn namespace() -> Vec<&'static str> {
    let ways = [vec!["unshare", "--mount"], vec!["unshare", "--mount", "--map-root-user"]];
    let works = |way: &Vec<&str>| {
        let trial = "mount -t tmpfs -o size=1m hub-test /mnt";
        let mut command = Command::new(way[0]);
        command.args(&way[1..]).args(["sh", "-c", trial]);
        command.output().is_ok_and(|output| output.status.success())
    };
    let way = ways.into_iter().find(works);
    way.expect("a small disk must be mounted: run the tests as root, or allow user namespaces")
}

struct SmallDisk {
    server: Server,
    /// The server's folder as this process sees it.
    inside: PathBuf,
}

impl SmallDisk {
    fn start(temporary: &Path) -> Self {
        let root = temporary.join("data");
        let profiles = temporary.join("profiles");
        fs::create_dir_all(&root).and_then(|()| fs::create_dir_all(&profiles)).expect("folders");
        let way = namespace();
        let mut command = Command::new(way[0]);
        command
            .args(&way[1..])
            .args(["sh", "-c", ON_A_SMALL_DISK, "sh"])
            .arg(&root)
            .arg(crate::harness::server_binary());
        let server = Server::under(&root, &mut command);
        let inside = PathBuf::from(format!("/proc/{}/root{}", server.pid(), root.display()));
        for profile in ["publisher", "ministry"] {
            let name = format!("{profile}.toml");
            fs::copy(inside.join("dev").join(&name), profiles.join(&name)).expect("a profile");
        }
        Self { server: server.with_profiles_in(&profiles), inside }
    }

    fn filler(&self) -> PathBuf {
        self.inside.join("filler")
    }

    /// Takes all room but so many bytes.
    fn fill_but(&self, room: usize) {
        let mut file = File::create(self.filler()).expect("a file");
        let piece = vec![0_u8; 64 << 10];
        while file.write_all(&piece).is_ok() {}
        let full = file.metadata().expect("the file").len();
        file.set_len(full.saturating_sub(room as u64)).expect("room");
    }

    fn free(&self) {
        fs::remove_file(self.filler()).expect("the filler");
    }
}

#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    let temporary = tempfile::tempdir().expect("a temporary folder");
    let disk = SmallDisk::start(temporary.path());
    let server = &disk.server;
    server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    // An extract that meets the end gives its room back, which is not what is looked at here.
    let extract = disk.inside.join("extracts/rb28s/1/meta.json");
    wait_for(Duration::from_secs(60), || extract.exists().then_some(())).expect("the first extract");
    let count = "SELECT count(*) FROM rb28s";

    // A small payload, longer than the room that the spool made before.
    disk.fill_but(0);
    let small = server.file("small.csv", &synthetic("rb28s", "100201", "2021-Q4", 6_000, 1));
    server.push("publisher", &small, "rb28s", "2021-Q4", &[]).expect(1).says("STORAGE_FULL");
    assert_eq!(server.cell("ministry", count), "293");
    // A large one, which begins to arrive and then meets the end.
    disk.free();
    disk.fill_but((4 << 20) + CRUMBS);
    let large = server.file("large.csv", &synthetic("rb28s", "100201", "2023-Q4", 150_000, 1));
    server.push("publisher", &large, "rb28s", "2023-Q4", &[]).expect(1).says("STORAGE_FULL");
    assert_eq!(server.cell("ministry", count), "293");

    disk.free();
    server.accepted("publisher", &small, "rb28s", "2021-Q4", &[]);
    assert_eq!(server.cell("ministry", count), "6293");
    let unchanged = server.accepted("publisher", &kutno_sample(), "rb28s", PERIOD, &[]);
    assert_eq!(unchanged["unchanged"], true);
    server.accepted("publisher", &large, "rb28s", "2023-Q4", &[]);
    assert_eq!(server.cell("ministry", count), "156293");
    let table = disk.inside.join("tables/rb28s_v1");
    let added =
        crate::harness::log_entries(&table).iter().filter(|action| action.get("add").is_some()).count();
    let files = fs::read_dir(table.join("d")).expect("data files").count();
    assert_eq!(files, added, "only files that the log names are left");
    assert_eq!(crate::harness::open_payloads(&disk.inside), Vec::new());
    run(Command::new("kill").arg(server.pid().to_string())).expect(0);
}
