//! A text is a token of one query and one key or of none, and what it says is written in one way.

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use kefu_chassis::Call;
use kefu_chassis::duties::DutyResource;
use kefu_chassis::identity::Identity;
use kefu_chassis::names::Id;
use kefu_chassis::paging::{Key, Pages};
use kefu_chassis::rules::{MethodRule, Rules};
use kefu_proto::rules::v1::Role;

type ByTime = (Timestamp, Id<DutyResource>);

static RULE: LazyLock<Arc<MethodRule>> = LazyLock::new(|| {
    let rules = Rules::of(kefu_proto::pool(), &["kefu.compliance.v1.ComplianceService"]).expect("it has rules");
    rules.at("/kefu.compliance.v1.ComplianceService/ListDuties").expect("it has a rule").clone()
});

fn pages(subject: &str, query: &str) -> Pages {
    let caller = Identity { subject: subject.to_owned(), roles: vec![Role::Agent], department: String::new() };
    Pages::new(&Call::internal(Arc::new(caller), RULE.clone(), Timestamp::UNIX_EPOCH, None, b""), &[query])
}

/// The first two bytes change a token that was made from the rest; the rest is also tried as a token itself, and as one whose
/// digest is right.
pub fn holds(data: &[u8]) {
    let Some((&[place, change], rest)) = data.split_first_chunk::<2>() else { return };
    if let Ok(text) = std::str::from_utf8(rest) {
        reads_back::<i64>(text);
        reads_back::<ByTime>(text);
    }
    for token in [made::<i64>(rest), made::<ByTime>(rest)].into_iter().flatten() {
        let mut changed = token.clone().into_bytes();
        let place = usize::from(place) % changed.len();
        changed[place] ^= change;
        if let Ok(changed) = std::str::from_utf8(&changed).map(str::to_owned) {
            assert_eq!(reads_back::<i64>(&changed) || reads_back::<ByTime>(&changed), changed == token, "{changed}");
        }
        for longer in [format!("{token}="), format!("{token}A"), format!(" {token}"), format!("{token}\n")] {
            assert!(!reads_back::<i64>(&longer) && !reads_back::<ByTime>(&longer), "{longer}");
        }
        // Whose it is not, it tells nothing.
        for other in [pages("staff/mei", "open"), pages("staff/lin", "closed")] {
            assert!(other.key::<i64>(&token).is_none() && other.key::<ByTime>(&token).is_none());
        }
    }
}

/// The token of the key in these bytes.
fn made<K: Key>(bytes: &[u8]) -> Option<String> {
    let key = K::read(bytes)?;
    let token = pages("staff/lin", "open").token(&key);
    assert!(reads_back::<K>(&token));
    assert_eq!(key.write(), K::read(&key.write()).expect("what was written is read").write());
    Some(token)
}

/// Whether it is a token; then it is the one that its key has.
fn reads_back<K: Key>(text: &str) -> bool {
    let pages = pages("staff/lin", "open");
    let Some(key) = pages.key::<K>(text) else { return false };
    assert_eq!(pages.token(&key), text);
    assert!(URL_SAFE_NO_PAD.decode(text).is_ok());
    true
}
