//! A small disk of our own, a `tmpfs`, that can be filled: for the tables, or for the write-ahead log.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kefu_testkit::eventually;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::time::{Instant, sleep};

use super::Skipped;
use crate::world::World;

/// Room for the write-ahead log of a run as the plan bounds it, and for the tables.
const SIZE: &str = "size=768m,mode=0700";

/// The disk, mounted where only this program and what it starts see it.
pub struct Disk {
    directory: tempfile::TempDir,
}

/// The disk, where there is one.
pub fn needed(disk: Option<&Disk>) -> Result<&Disk, Skipped> {
    disk.ok_or_else(|| Skipped("no disk can be mounted: run tools/chaos as root, with CAP_SYS_ADMIN".into()))
}

impl Disk {
    /// Mounts one. Only in a mount namespace of our own, so that it goes with us however we end.
    pub fn mount(has_own_mounts: bool) -> Option<Self> {
        if !has_own_mounts {
            return None;
        }
        let directory = tempfile::Builder::new().prefix("kefu-disk-").tempdir().unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", SIZE, "kefu-chaos"]).arg(directory.path());
        let mounted = command.status().is_ok_and(|status| status.success());
        mounted.then_some(Self { directory })
    }

    /// A directory of it for Postgres.
    fn place(&self, world: &World, name: &str) -> PathBuf {
        let place = self.directory.path().join(name);
        let owner = fs::metadata(world.rig.postgres_data()).unwrap();
        chown(self.directory.path(), Some(owner.uid()), Some(owner.gid())).unwrap();
        if !place.exists() {
            fs::create_dir(&place).unwrap();
            chown(&place, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        place
    }

    /// Moves every table to a tablespace: `small` is here.
    pub async fn move_tables(&self, world: &World, tablespace: &str) {
        if tablespace == "small" {
            let place = self.place(world, "tables").display().to_string();
            let known = sqlx::query("select from pg_tablespace where spcname = 'small'");
            if known.fetch_optional(&world.pool).await.unwrap().is_none() {
                let create = format!("create tablespace small location '{place}'");
                world.pool.execute(sqlx::raw_sql(AssertSqlSafe(create))).await.unwrap();
            }
        }
        let from = if tablespace == "small" { "pg_default" } else { "small" };
        for kind in ["table", "index"] {
            let moved =
                format!("alter {kind} all in tablespace {from} owned by kefu_migrator set tablespace {tablespace}");
            // It locks all of them, and may meet the services' own work the wrong way round.
            let move_all = async || {
                let mut connection = world.pool.acquire().await.unwrap();
                connection.execute(sqlx::raw_sql(AssertSqlSafe(moved.clone()))).await.ok()
            };
            eventually("the tables are moved", move_all).await;
        }
    }

    /// Leaves no room for so long.
    pub async fn fill_for(&self, lasts: Duration) {
        let ballast = self.fill();
        sleep(lasts + lasts).await;
        fs::remove_file(ballast).unwrap();
    }

    fn fill(&self) -> PathBuf {
        let path = self.directory.path().join("ballast");
        let mut ballast = File::create(&path).unwrap();
        let piece = vec![0; 1 << 16];
        while ballast.write_all(&piece).is_ok() {}
        path
    }

    /// Lets Postgres keep its write-ahead log here.
    pub async fn move_log(&self, world: &World) {
        relocate(world, &self.place(world, "log").join("pg_wal")).await;
    }

    /// Lets it keep it beside its data again.
    pub async fn move_log_back(&self, world: &World) {
        relocate(world, &world.rig.postgres_data().join("pg_wal")).await;
    }

    /// Leaves no room for more of the log for so long, upon which Postgres ends; then there is room, and it is started.
    pub async fn fill_log(&self, world: &World, lasts: Duration) {
        let ballast = self.fill();
        let until = Instant::now() + lasts + lasts;
        while Instant::now() < until {
            // The callers alone would take long to fill what is left of the segment.
            if let Ok(mut connection) = PgConnection::connect_with(&world.rig.superuser("public")).await {
                while connection.execute("select pg_switch_wal()").await.is_ok() && Instant::now() < until {}
            }
            sleep(Duration::from_millis(100)).await;
        }
        fs::remove_file(ballast).unwrap();
        world.rig.restart_postgres().await.unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Busy as long as a Postgres runs on it; the namespace ends with us anyway.
        let _ = Command::new("umount").arg("--lazy").arg(self.directory.path()).status();
    }
}

/// Moves the write-ahead log of a Postgres, which is stopped for it.
async fn relocate(world: &World, to: &Path) {
    let at = world.rig.postgres_data().join("pg_wal");
    world.rig.stop_postgres().await;
    let owner = fs::metadata(&at).unwrap();
    let from = fs::canonicalize(&at).unwrap();
    let beside = if to == at { at.with_extension("new") } else { to.to_owned() };
    let copied = Command::new("cp").arg("-a").arg(&from).arg(&beside).status().unwrap();
    assert!(copied.success(), "the log cannot be moved to {}", beside.display());
    if from == at {
        fs::remove_dir_all(&at).unwrap();
    } else {
        fs::remove_file(&at).unwrap();
        fs::remove_dir_all(&from).unwrap();
    }
    if to == at {
        fs::rename(&beside, &at).unwrap();
    } else {
        symlink(to, &at).unwrap();
        std::os::unix::fs::lchown(&at, Some(owner.uid()), Some(owner.gid())).unwrap();
    }
    world.rig.restart_postgres().await.unwrap();
}
