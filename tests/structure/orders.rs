//! The order of the modules of each crate.

use super::layers::Layers;

/// Returns the layers of the crate in a folder of the repository.
pub fn of(folder: &str) -> Option<Layers> {
    ORDERS.iter().find(|(of, _)| *of == folder).map(|(_, layers)| *layers)
}

/// The layers of each crate, by its folder.
const ORDERS: &[(&str, Layers)] = &[
    ("proto", &["lib labels request resource", "contract payload", "field"]),
    ("proto/build", &["names", "changeable payloads redacted requests serve"]),
    (
        "services/regulation",
        &["budget digest error", "value", "calendar clause params", "constraints overrides", "regulation"],
    ),
    ("services/derive", &["input", "statements", "columns record"]),
    ("services/chassis", &["base", "telemetry", "contract", "model", "store", "work", "serve"]),
    (
        "services/intake",
        &[
            "shared",
            "request::lifecycle",
            "request::row request::store",
            "request::search::text",
            "request::search::rank request::search::store customer",
            "project timeline request",
            // Handlers. Those above use what those below have stored.
            "request::confirm request::convert request::expectation request::import request::link request::list
             request::ownership request::remote request::search request::search::backlog request::search::duplicates
             request::transfer request::waits request::watch request::work_order",
            "request::actions request::children request::explain request::register",
        ],
    ),
    (
        "services/complaints",
        &[
            "shared complaint::lifecycle improvement::lifecycle evidence::markup evidence::pieces",
            "complaint::row evidence::kind evidence::row improvement::row",
            "complaint evidence::name evidence::received improvement::effect",
            "complaint::case_record evidence",
            // Handlers.
            "complaint::agreement complaint::archive complaint::callback complaint::contact complaint::explain
             complaint::investigation complaint::list complaint::naming complaint::reception complaint::register complaint::resolution
             complaint::watch evidence::content evidence::upload improvement",
            "complaint::search analysis",
        ],
    ),
    (
        "services/appraisal",
        &[
            "directory",
            "directory::responsible directory::staff::row",
            "directory::department::row",
            "directory::snapshot",
            // Handlers.
            "directory::bootstrap directory::staff",
            "directory::absence directory::department directory::general_manager",
            "directory::import",
        ],
    ),
    (
        "services/gateway",
        &[
            "backends instruments template titles",
            "problem routes",
            "body config json",
            "rate request",
            "documented gateway openapi",
            "call docs observe",
            "stream",
            "upload",
            "serve",
            "pass",
            "router",
            "start",
            "program",
        ],
    ),
    (
        "services/postgres",
        &[
            "error options pidfile",
            "account lock",
            "home",
            "wheel",
            "binaries",
            "watchdog",
            "cluster",
            "server",
            "seat",
        ],
    ),
    (
        "services/testkit",
        &[
            "bare beside cast dice lifecycle line logs oracle raw refusal rsa wait",
            "caller",
            "cluster rig",
            "bench",
            "any record tampering",
        ],
    ),
    (
        "services/kefu",
        &[
            "language",
            "services import::columns import::spec journal::checkpoint",
            "import::cells",
            "import::map",
            "import::file",
            "error",
            "home terminal",
            "client import::outcome",
            "common instance",
            "join",
            // Commands.
            "compliance import journal staff token",
            "demo",
            "up",
            "cli",
        ],
    ),
    ("tests/load", &["drive ledger pgbench words", "desk figures", "plot world", "measures report"]),
    ("tests/chaos", &["ledger link", "call world", "checks fault load", "report"]),
];
