//! `token`: signs a token with the home's development key. No service needs to run.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;
use jiff::{Span, SpanRelativeTo};
use kefu_chassis::identity::is_id;
use kefu_chassis::identity::signer::Grant;
use kefu_proto::rules::v1::Role;

use crate::common::Common;
use crate::error::Error;
use crate::language::{pick, told};
use crate::terminal::say;

/// The longest that a token is valid, in days.
const MAX_DAYS: u64 = 366;

/// The command line of `token`: whom the token names, with which roles, and for how long.
#[derive(Args, Debug)]
#[command(after_help = "Prints the token and nothing else: TOKEN=$(kefu token --subject staff/lin --role agent)")]
pub struct TokenArguments {
    /// Caller that the token names: `staff/…`, `customers/…` or `services/…`.
    #[arg(long, value_name = "NAME")]
    subject: Subject,
    /// Role of the caller, e.g. `agent`; may be given several times.
    #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role, value_delimiter = ',')]
    roles: Vec<Role>,
    /// How long the token is valid, e.g. `30m`, `12h`, `7d`.
    #[arg(long, value_name = "TIME", default_value = "12h", value_parser = lifetime)]
    ttl: Duration,
}

/// The subject of a token: `staff/…`, `customers/…` or `services/…`.
#[derive(Clone, Debug)]
struct Subject(String);

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some(("staff" | "customers" | "services", id)) if is_id(id) => Ok(Self(text.to_owned())),
            _ => Err(pick(
                "expected staff/…, customers/… or services/…, with up to 63 letters, digits and . _ ~ - after it",
                "应写作 staff/…、customers/… 或 services/…，其后最多63个字母、数字和 . _ ~ -",
            )
            .into()),
        }
    }
}

/// Every role of the contract.
fn roles() -> impl Iterator<Item = Role> {
    (1..).map_while(|number| Role::try_from(number).ok())
}

fn role(text: &str) -> Result<Role, String> {
    let known = Role::from_str_name(&text.to_ascii_uppercase()).filter(|&role| role != Role::Unspecified);
    known.ok_or_else(|| {
        let names: Vec<String> = roles().map(|role| role.as_str_name().to_ascii_lowercase()).collect();
        told!("expected one of {}", "应为其中之一：{}", names.join(pick(", ", "、")))
    })
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let wrong = || {
        told!(
            "expected a time from 1s to {MAX_DAYS}d, such as 30m, 12h or 7d",
            "应为 1s 至 {MAX_DAYS}d 的时长，如 30m、12h 或 7d"
        )
    };
    let span: Span = text.parse().map_err(|_| wrong())?;
    let time = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?;
    let time = Duration::try_from(time).map_err(|_| wrong())?;
    let bounds = Duration::from_secs(1)..=Duration::from_hours(24 * MAX_DAYS);
    if bounds.contains(&time) { Ok(time) } else { Err(wrong()) }
}

/// Checks that customers have the role CUSTOMER alone, and nobody else has it.
fn check(subject: &Subject, roles: &[Role]) -> Result<(), &'static str> {
    let is_customer = subject.0.starts_with("customers/");
    match roles.iter().all(|&role| (role == Role::Customer) == is_customer) {
        true => Ok(()),
        false if is_customer => Err(pick("a customer's only role is customer", "客户只能有 customer 这一个角色")),
        false => Err(pick("the role customer is for customers/…", "角色 customer 只用于 customers/…")),
    }
}

/// Prints the token.
pub fn run(common: &Common, arguments: &TokenArguments) -> Result<(), Error> {
    if let Err(problem) = check(&arguments.subject, &arguments.roles) {
        let error = clap::Error::raw(clap::error::ErrorKind::ValueValidation, format!("{problem}\n"));
        return Err(Error::Usage(error));
    }
    let grant = Grant {
        subject: arguments.subject.0.clone(),
        roles: arguments.roles.iter().map(|role| role.as_str_name().to_owned()).collect(),
        ttl: arguments.ttl,
    };
    let home = common.home()?;
    let token = home.signer()?.token(&grant).map_err(|source| Error::Key { path: home.path().join("keys"), source })?;
    say(&format!("{token}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_can_be_named_in_any_case() {
        assert_eq!(roles().count(), 12);
        for known in roles() {
            assert_eq!(role(&known.as_str_name().to_ascii_lowercase()), Ok(known));
        }
        let refusal = role("boss").unwrap_err();
        assert!(refusal.contains("agent") && refusal.contains("service"), "{refusal}");
        assert!(role("role_unspecified").is_err());
    }

    #[test]
    fn lifetimes_are_bounded() {
        assert_eq!(lifetime("12h"), Ok(Duration::from_hours(12)));
        assert_eq!(lifetime("7d"), Ok(Duration::from_hours(168)));
        assert_eq!(lifetime("1h 30m"), Ok(Duration::from_mins(90)));
        for text in ["", "0s", "-1h", "12", "soon", "1y", "367d", "1mo"] {
            assert!(lifetime(text).is_err(), "{text}");
        }
    }

    #[test]
    fn subjects_have_one_form() {
        for text in ["staff/lin", "customers/0199", "services/gateway"] {
            assert!(text.parse::<Subject>().is_ok(), "{text}");
        }
        for text in ["lin", "staff/", "staff/a/b", "robots/r2", "staff/小林", "/lin"] {
            assert!(text.parse::<Subject>().is_err(), "{text}");
        }
    }

    #[test]
    fn customers_have_the_role_of_customers_only() {
        let (customer, staff) = (Subject("customers/1".into()), Subject("staff/lin".into()));
        assert!(check(&customer, &[Role::Customer]).is_ok() && check(&staff, &[Role::Agent, Role::Admin]).is_ok());
        assert!(check(&customer, &[Role::Customer, Role::Admin]).is_err() && check(&staff, &[Role::Customer]).is_err());
    }
}
