//! Page tokens: where the next page begins, bound to the method, the caller and the query.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use kefu_proto::Paged;
use prost::Message;
use uuid::Uuid;

use crate::base::digest::sha256;
use crate::base::error::Error;
use crate::base::names::Id;
use crate::contract::call::Call;

/// The time that stands for "no time" in a list by time, so that rows without a time come last, in the order of their
/// ids. Neither `Timestamp::MAX` nor Postgres' infinity would do: a page token with either does not read back as it was
/// written.
pub const NEVER: Timestamp = Timestamp::constant(253_000_000_000, 0);

const DEFAULT_SIZE: i32 = 50;
/// The most bytes of a page's messages, unless one alone takes more.
const LARGEST: usize = 1 << 20;
const DIGEST: usize = 12;

/// The tokens of one query.
pub struct Pages {
    query: Vec<u8>,
}

/// One page to read.
pub struct Page<K> {
    pages: Pages,
    /// The key after which the page begins; none for the first page.
    pub after: Option<K>,
    /// The number of rows to read: one more than the page holds, to know whether another page follows.
    pub limit: i64,
}

/// The key of a row: where a page ends, and the next begins.
pub trait Key: Sized {
    /// Writes the key as bytes.
    fn write(&self) -> Vec<u8>;
    /// Reads the key from bytes; none if they are no key.
    fn read(bytes: &[u8]) -> Option<Self>;
}

impl Pages {
    /// Creates the tokens of a query, e.g. of a watch. `parts` are the query's parameters: a token is refused by a query of
    /// other parameters. For a request with pages there is [`Page::of`].
    #[must_use]
    pub fn new(call: &Call, parts: &[impl AsRef<[u8]>]) -> Self {
        let mut query = Vec::new();
        let of_call = [call.rule.path.as_bytes(), call.caller.subject.as_bytes()];
        for part in of_call.into_iter().chain(parts.iter().map(AsRef::as_ref)) {
            query.extend_from_slice(&(part.len() as u64).to_be_bytes());
            query.extend_from_slice(part);
        }
        Self { query }
    }

    /// Reads the page that a request asks for; a `size` of 0 stands for 50 rows. Refused when the token is not of this
    /// query.
    pub fn read<K: Key>(self, token: &str, size: i32) -> Result<Page<K>, Error> {
        let after = if token.is_empty() { None } else { Some(self.key(token).ok_or(Error::PageToken)?) };
        let size = if size == 0 { DEFAULT_SIZE } else { size };
        Ok(Page { pages: self, after, limit: i64::from(size) + 1 })
    }

    /// Returns the token of a key.
    pub fn token(&self, key: &impl Key) -> String {
        let key = key.write();
        URL_SAFE_NO_PAD.encode([&self.digest(&key), key.as_slice()].concat())
    }

    /// Returns the key in a token; none if the token is not of this query.
    #[must_use]
    pub fn key<K: Key>(&self, token: &str) -> Option<K> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (digest, key) = bytes.split_at_checked(DIGEST)?;
        if digest == self.digest(key) { K::read(key) } else { None }
    }

    fn digest(&self, key: &[u8]) -> [u8; DIGEST] {
        let mut digest = [0; DIGEST];
        digest.copy_from_slice(&sha256(&[self.query.as_slice(), key].concat())[..DIGEST]);
        digest
    }
}

impl<K: Key> Page<K> {
    /// Reads the page that a request asks for. Its token is bound to everything else in the request.
    pub fn of(call: &Call, request: &impl Paged) -> Result<Self, Error> {
        Pages::new(call, &[request.query()]).read(request.page_token(), request.page_size())
    }

    /// Returns the messages of the page, and the token of the next page, empty if there is none. `rows` has the `limit` rows
    /// read, each as its key and its message. A page ends early, at no less than one message, where its messages would take
    /// more than 1 MiB: answers that nobody reads are held in memory.
    pub fn fill<M: Message>(&self, rows: impl IntoIterator<Item = (K, M)>) -> (Vec<M>, String) {
        let size = usize::try_from(self.limit - 1).unwrap_or(usize::MAX);
        let (mut messages, mut last, mut bytes) = (Vec::new(), None, 0);
        for (key, message) in rows {
            bytes += message.encoded_len();
            if messages.len() == size || (bytes > LARGEST && last.is_some()) {
                return (messages, last.map(|last| self.pages.token(&last)).unwrap_or_default());
            }
            messages.push(message);
            last = Some(key);
        }
        (messages, String::new())
    }
}

impl Key for i64 {
    fn write(&self) -> Vec<u8> {
        self.to_be_bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self::from_be_bytes(bytes.try_into().ok()?))
    }
}

impl<R: crate::base::names::Resource> Key for Id<R> {
    fn write(&self) -> Vec<u8> {
        self.uuid().as_bytes().to_vec()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self::from_uuid)
    }
}

impl<R: crate::base::names::Resource> Key for (Timestamp, Id<R>) {
    fn write(&self) -> Vec<u8> {
        [self.0.as_microsecond().to_be_bytes().as_slice(), self.1.uuid().as_bytes()].concat()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (time, id) = bytes.split_first_chunk::<8>()?;
        Some((Timestamp::from_microsecond(i64::from_be_bytes(*time)).ok()?, Id::read(id)?))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kefu_proto::compliance::v1::ListDutiesRequest;
    use proptest::prelude::*;

    use super::*;
    use crate::contract::identity::Identity;
    use crate::contract::rules::Rules;

    crate::resources! {
        /// Something that is listed.
        Listed = "listed", "kefu/Listed";
    }

    fn pages(query: &str) -> Pages {
        Pages { query: query.as_bytes().to_vec() }
    }

    proptest! {
        #[test]
        fn a_token_reads_back_under_its_own_query_only(us in -1_000_000_000_000_000_i64..10_000_000_000_000_000, id in any::<u128>()) {
            let key = (Timestamp::from_microsecond(us).unwrap(), Id::<Listed>::from_uuid(Uuid::from_u128(id)));
            let token = pages("a").token(&key);
            prop_assert_eq!(pages("a").key(&token), Some(key));
            prop_assert_eq!(pages("b").key::<(Timestamp, Id<Listed>)>(&token), None);
        }

        #[test]
        fn no_text_is_taken_for_a_token(text in ".{0,80}") {
            prop_assert_eq!(pages("a").key::<Id<Listed>>(&text), None);
        }
    }

    fn call_of(subject: &str) -> Call {
        let rules = Rules::of(kefu_proto::pool(), &["kefu.compliance.v1.ComplianceService"]).unwrap();
        let rule = rules.named("ListDuties").unwrap().clone();
        let caller = Identity { subject: subject.to_owned(), roles: Vec::new(), department: String::new() };
        Call::internal(Arc::new(caller), rule, Timestamp::UNIX_EPOCH, None, &[])
    }

    #[test]
    fn a_page_ends_before_its_messages_take_more_than_a_mebibyte_but_has_one() {
        let page = pages("a").read::<i64>("", 100).unwrap();
        let fill = |lengths: &[usize]| {
            let (messages, token) = page.fill((0..).zip(lengths.iter().map(|length| "x".repeat(*length))));
            (messages.len(), pages("a").key::<i64>(&token))
        };
        assert_eq!(fill(&[]), (0, None));
        assert_eq!(fill(&[LARGEST, 9]), (1, Some(0)), "one alone may take more");
        assert_eq!(fill(&[LARGEST / 3; 4]), (2, Some(1)));
        assert_eq!(fill(&[LARGEST / 3; 2]), (2, None));
        assert_eq!(fill(&[1; 101]), (100, Some(99)));
    }

    #[test]
    fn a_page_token_is_bound_to_the_caller_and_to_all_that_the_request_asks_but_its_size() {
        let call = call_of("staff/lin");
        let first = ListDutiesRequest { breached: true, page_size: 2, ..ListDutiesRequest::default() };
        let page: Page<i64> = Page::of(&call, &first).unwrap();
        assert_eq!((page.after, page.limit), (None, 3));
        let (rows, page_token) = page.fill([1, 2, 3].map(|row| (row, row.to_string())));
        assert_eq!(rows, ["1", "2"]);

        let next = ListDutiesRequest { page_token, page_size: 7, ..first };
        let page: Page<i64> = Page::of(&call, &next).unwrap();
        assert_eq!((page.after, page.limit), (Some(2), 8));
        let other = ListDutiesRequest { breached: false, ..next.clone() };
        for (call, request) in [(&call, &other), (&call_of("staff/wang"), &next)] {
            assert!(matches!(Page::<i64>::of(call, request), Err(Error::PageToken)));
        }
    }
}
