//! The tests of real hosts, each in an environment of its own below `target`.

use crate::outside::{library, pytest, run_tests};
use crate::steps::Steps;
use crate::tools;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What a run of CI may take with its hosts: all of them take longer than everything else together.
const CI_TIME: Duration = Duration::from_secs(32 * 60);

struct Host {
    /// Of its packages: `tests/python/hosts/NAME.txt`.
    name: &'static str,
    /// `tests/python/hosts/test_NAME.py`.
    tests: &'static [&'static str],
    /// The longest time for its tests; installing it may take as long again.
    limit: Duration,
    /// Programs, each with the package of Debian's that brings it.
    programs: &'static [(&'static str, &'static str)],
    /// A variable that says where it is: no registry has it.
    place: Option<&'static str>,
    /// Whether only `cargo xtask test --hosts` runs it: installing it takes long.
    is_heavy: bool,
}

const fn host(name: &'static str, tests: &'static [&'static str], minutes: u64) -> Host {
    Host {
        name,
        tests,
        limit: Duration::from_secs(minutes * 60),
        programs: &[],
        place: None,
        is_heavy: false,
    }
}

const REDIS: (&str, &str) = ("redis-server", "redis-server");

/// The cheapest first.
const HOSTS: &[Host] = &[
    host("optuna", &["optuna"], 3),
    host("ipython", &["ipython"], 3),
    host("celery", &["celery"], 3),
    Host { programs: &[REDIS], ..host("queues", &["rq", "dask"], 3) },
    host("keras", &["keras"], 4),
    Host { place: Some("TASKBELL_SWARMUI"), ..host("swarmui", &["swarmui_source"], 2) },
    Host { programs: &[("blender", "blender")], ..host("blender", &["blender"], 4) },
    host("ray", &["ray"], 6),
    Host { place: Some("TASKBELL_COMFYUI"), ..host("comfyui", &["real_comfyui"], 10) },
    host("torch", &["transformers", "lightning", "ignite"], 10),
    Host {
        is_heavy: true,
        programs: &[("slurmctld", "slurmctld"), ("slurmd", "slurmd")],
        ..host("slurm", &["slurm"], 6)
    },
    Host { is_heavy: true, ..host("ray_jobs", &["ray_jobs"], 12) },
    Host { is_heavy: true, ..host("snakemake", &["snakemake"], 8) },
    Host {
        is_heavy: true,
        programs: &[("mosquitto", "mosquitto"), ("groovy", "groovy")],
        ..host("farm", &["farm"], 8)
    },
    Host { is_heavy: true, programs: &[REDIS, ("pg_ctlcluster", "postgresql")], ..host("zou", &["zou"], 15) },
    Host { is_heavy: true, ..host("prefect", &["prefect"], 12) },
    Host { is_heavy: true, ..host("airflow", &["airflow"], 20) },
];

/// All of them.
pub fn test(steps: &mut Steps) {
    for host in HOSTS {
        if let Err(reason) = placed(host) {
            steps.skip(&title(host), &reason);
            continue;
        }
        match prepare(host) {
            Ok(python) => run(steps, host, &python),
            Err(reason) => steps.fail(&title(host), &reason),
        }
    }
}

/// Those that the time of CI, which began at `start`, is enough for. One that cannot be installed is named and
/// left out: a registry that does not answer is no fault of this project.
pub fn test_in_time(steps: &mut Steps, start: Instant) {
    for host in HOSTS {
        let passed = start.elapsed();
        if !tools::on_ci() {
            steps.skip(&title(host), "not on CI; `cargo xtask test --hosts` runs it");
        } else if host.is_heavy {
            steps.skip(&title(host), "it takes long to install; `cargo xtask test --hosts` runs it");
        } else if passed + 2 * host.limit > CI_TIME {
            steps.skip(&title(host), &format!("{} minutes have passed", passed.as_secs() / 60));
        } else {
            match prepare(host) {
                Ok(python) => run(steps, host, &python),
                Err(reason) => steps.skip(&title(host), &reason),
            }
        }
    }
}

/// Whether somebody said where a host is that no registry has.
fn placed(host: &Host) -> Result<(), String> {
    match host.place {
        Some(variable) if std::env::var_os(variable).is_none() => {
            Err(format!("{variable} is not set; docs/hosts.md says to what"))
        }
        _ => Ok(()),
    }
}

/// Installs a host, and returns the Python of its environment.
fn prepare(host: &Host) -> Result<PathBuf, String> {
    placed(host)?;
    host.programs.iter().try_for_each(|(name, package)| tools::program(name, package))?;
    tools::python_with(&environment(host), &packages(host), "import pytest")
}

fn run(steps: &mut Steps, host: &Host, python: &std::path::Path) {
    let files: Vec<String> =
        host.tests.iter().map(|name| format!("tests/python/hosts/test_{name}.py")).collect();
    let mut pytest = pytest(python, &files);
    pytest.env("TASKBELL_HOSTS", "1").env("TASKBELL_LIBRARY", library());
    run_tests(steps, &title(host), host.limit, &mut pytest);
}

fn title(host: &Host) -> String {
    format!("host {}", host.tests.join(", "))
}

fn environment(host: &Host) -> PathBuf {
    tools::target().join("hosts").join(host.name)
}

fn packages(host: &Host) -> String {
    format!("tests/python/hosts/{}.txt", host.name)
}
