//! Only the very bytes that an issuer has signed are a token, whatever is made of them.

use std::cell::RefCell;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kefu_chassis::identity::signer::{AUDIENCE, Grant, ISSUER, Signer};
use kefu_chassis::identity::{IssuerConfig, Verifier};
use tokio::runtime::{Builder, Runtime};

/// An issuer, who takes its tokens, and one of them. The key is made anew for each process: no seed can hold a token of it.
struct Stage {
    runtime: Runtime,
    verifier: Verifier,
    good: String,
}

thread_local! {
    static STAGE: RefCell<Option<Stage>> = const { RefCell::new(None) };
}

impl Stage {
    fn new() -> Self {
        let signer = Signer::generate().expect("a key can be made");
        let path = std::env::temp_dir().join(format!(
            "kefu-fuzz-{}-{:?}.json",
            std::process::id(),
            std::thread::current().id()
        ));
        std::fs::write(&path, signer.jwks()).expect("a file can be written");
        let grant = |subject: &str| Grant {
            subject: subject.to_owned(),
            roles: vec!["AGENT".to_owned()],
            ttl: Duration::from_hours(24),
        };
        let issuer = IssuerConfig {
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            jwks_file: Some(path.clone()),
            jwks_url: None,
        };
        let stage = Self {
            runtime: Builder::new_current_thread().build().expect("a runtime can be made"),
            verifier: Verifier::new(vec![issuer]),
            good: signer.token(&grant("staff/lin")).expect("a token can be signed"),
        };
        let taken = stage.runtime.block_on(stage.verifier.verify(&stage.good));
        assert_eq!(taken.expect("it was signed").caller.subject, "staff/lin");
        let _ = std::fs::remove_file(path);
        stage
    }

    fn is_taken(&self, token: &str) -> bool {
        self.runtime.block_on(self.verifier.verify(token)).is_ok()
    }
}

/// The first byte says what is done: a token as it is, other bytes in the good one, or other parts of it.
pub fn holds(data: &[u8]) {
    let Some((&way, rest)) = data.split_first() else { return };
    STAGE.with_borrow_mut(|stage| {
        let stage = stage.get_or_insert_with(Stage::new);
        let Some(token) = made(&stage.good, way, rest) else { return };
        assert_eq!(stage.is_taken(&token), token == stage.good, "{token}\nis not\n{}", stage.good);
    });
}

fn made(good: &str, way: u8, rest: &[u8]) -> Option<String> {
    let parts: Vec<&str> = good.split('.').collect();
    let (first, second) = rest.split_at(rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len()));
    let second = second.strip_prefix(b"\n").unwrap_or(second);
    match way % 6 {
        0 => std::str::from_utf8(rest).ok().map(str::to_owned),
        1 => {
            let mut changed = good.as_bytes().to_vec();
            for edit in rest.chunks_exact(3) {
                let place = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % changed.len();
                changed[place] = edit[2];
            }
            String::from_utf8(changed).ok()
        }
        // A header and claims of one's own under the signature.
        2 => Some(format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(first), URL_SAFE_NO_PAD.encode(second), parts[2])),
        3 => Some(format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(rest), parts[1], parts[2])),
        4 => Some(format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(rest), parts[2])),
        _ => Some(format!("{}.{}.{}", parts[0], parts[1], URL_SAFE_NO_PAD.encode(rest))),
    }
}
