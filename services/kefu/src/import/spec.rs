//! The map file as it is written. Unknown keys are refused; what the values mean is checked against the CSV file's columns.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A map file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The system the rows come from.
    pub source: String,
    /// The zone of times that name none.
    pub zone: String,
    /// The form of times, in strptime's words.
    pub time_format: String,
    /// What separates columns; a comma when not given.
    #[serde(default)]
    pub delimiter: Option<char>,
    /// The business calendar on which the rows' working time counts; the service's own when not given.
    #[serde(default)]
    pub calendar: Option<toml::Table>,
    /// Where each field comes from.
    pub fields: Fields,
}

/// Where each field of a request comes from.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    pub external_id: Text,
    pub channel: Choice,
    pub kind: Choice,
    pub state: Choice,
    pub department: Name,
    pub contact_time: Time,
    #[serde(default)]
    pub first_response_time: Option<Time>,
    #[serde(default)]
    pub classified_time: Option<Time>,
    #[serde(default)]
    pub promised_time: Option<Time>,
    #[serde(default)]
    pub closed_time: Option<Time>,
    #[serde(default)]
    pub update_time: Option<Time>,
    #[serde(default)]
    pub owner: Option<Name>,
    #[serde(default)]
    pub description: Option<Text>,
    #[serde(default)]
    pub business_domain: Option<Text>,
    #[serde(default)]
    pub problem_type: Option<Text>,
    #[serde(default)]
    pub site_address: Option<Text>,
}

/// A text: from a column, or the same for every row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    #[serde(default)]
    pub column: Option<String>,
    #[serde(default)]
    pub value: Option<String>,
    /// For rows whose column is empty.
    #[serde(default)]
    pub default: Option<String>,
}

/// One of the names of an enum of the contract.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    #[serde(default)]
    pub column: Option<String>,
    #[serde(default)]
    pub value: Option<String>,
    /// For rows whose column is empty.
    #[serde(default)]
    pub default: Option<String>,
    /// What each word of the column means.
    #[serde(default)]
    pub words: BTreeMap<String, String>,
}

/// The name of a department or an employee, made from a text.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Name {
    #[serde(default)]
    pub column: Option<String>,
    #[serde(default)]
    pub value: Option<String>,
    /// For rows whose column is empty.
    #[serde(default)]
    pub default: Option<String>,
    /// The ids of texts from which none can be made, or for which another one is wanted.
    #[serde(default)]
    pub ids: BTreeMap<String, String>,
}

/// A time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    pub column: String,
    /// Its form, if it differs from the file's.
    #[serde(default, rename = "time_format")]
    pub format: Option<String>,
    /// Means the end of that day, 24:00.
    #[serde(default)]
    pub end_of_day: bool,
    /// Counts as absent when it has a time of day other than 00:00:00.
    #[serde(default)]
    pub only_dates: bool,
    /// Counts as absent when it is before `contact_time`.
    #[serde(default)]
    pub not_before_contact: bool,
}
