use proptest::prelude::*;

use super::*;
use crate::FieldRule;
use crate::base::language::Language;

fn country(code: &str) -> Country {
    Country::try_from(code.to_owned()).unwrap()
}

#[test]
fn writings_that_people_use_are_read_right_or_refused_with_the_reason() {
    let lines: Vec<&str> = include_str!("tests/writings.txt").lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines.len() >= 200, "{} writings", lines.len());
    let mut wrong = Vec::new();
    for line in lines {
        let parts: Vec<&str> = line.split('|').collect();
        let [code, written, right] = parts[..] else { panic!("{line}") };
        let shown = match country(code).phone(written) {
            Ok(phone) if phone.extension.is_empty() => phone.number,
            Ok(phone) => format!("{} {}", phone.number, phone.extension),
            Err(refused) => {
                assert_eq!(refused.rule, FieldRule::Phone);
                assert!(refused.text.of(Language::Chinese).chars().any(|sign| sign > '\u{4e00}'), "{line}");
                format!("!{}", refused.text.en())
            }
        };
        let is_right = match right.strip_prefix('!') {
            Some(reason) => shown.starts_with('!') && shown.contains(reason),
            None => shown == right,
        };
        if !is_right {
            wrong.push(format!("{line}: {shown}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn invisible_signs_around_a_number_fall_away() {
    for written in ["\u{202a}13800138000\u{202c}", "\u{feff}138 0013 8000\u{200b}", "\u{2066}+8613800138000\u{2069} "] {
        assert_eq!(country("CN").e164(written).as_deref(), Some("+8613800138000"), "{written:?}");
    }
    assert!(country("CN").phone("138\u{202e}00138000").is_err(), "within a number they do not");
}

#[test]
fn an_extension_stands_behind_the_number_or_in_its_own_field() {
    let read = |phone: &str, phone_extension: &str| {
        let contact =
            pb::Contact { phone: phone.into(), phone_extension: phone_extension.into(), ..pb::Contact::default() };
        Contact::read(&contact, "contact", "A2.2", Country::default())
    };
    for (phone, extension) in [("010 8888 6666-802", ""), ("010 8888 6666", "802"), ("010 8888 6666转802", "802")] {
        let shown = read(phone, extension).unwrap().show();
        assert_eq!((shown.phone.as_str(), shown.phone_extension.as_str()), ("+861088886666", "802"));
        assert_eq!(read(&shown.phone, &shown.phone_extension).unwrap().show(), shown, "given back, it is the same");
    }
    let refused = read("010 8888 6666-802", "803").unwrap_err();
    assert_eq!((refused.field.as_str(), refused.wrong.rule), ("contact.phone_extension", FieldRule::Conflicting));
}

/// A writing of digits with signs, blanks, labels and extensions between them, likely to be nearly a number.
fn writing() -> impl Strategy<Value = String> {
    let sign = prop_oneof![
        30 => "[0-9]",
        4 => "[ ./()-]",
        1 => Just("+".to_owned()),
        1 => prop_oneof!["转", "x", "#", " ext ", ";", ",", "O", "l", "、", ".0", "\u{202a}", "１", "００"],
    ];
    let start = prop_oneof![
        Just(""),
        Just("+86"),
        Just("0086"),
        Just("86"),
        Just("010"),
        Just("138"),
        Just("0755"),
        Just("400"),
        Just("+1"),
        Just("+49"),
        Just("0"),
        Just("00"),
        Just("电话："),
        Just("95"),
        Just("12")
    ];
    (start, proptest::collection::vec(sign, 0..18)).prop_map(|(start, signs)| format!("{start}{}", signs.concat()))
}

fn digits(text: &str) -> String {
    let narrow = text.chars().map(|sign| match sign {
        '０'..='９' => char::from_u32(u32::from(sign) - 0xfee0).unwrap(),
        other => other,
    });
    narrow.filter(char::is_ascii_digit).collect()
}

/// Whether digits are an exit code, a country code and a trunk prefix, each of which may be missing.
fn are_prefixes(before: &str, number: &str) -> bool {
    let exits = ["", "00", "011", "010", "0011"];
    let trunks = ["", "0", "1"];
    let codes = (0..=3).filter_map(|length| number.get(..length));
    // A short number of China may be written with its country code.
    codes
        .chain(["86"])
        .any(|code| exits.iter().any(|exit| trunks.iter().any(|trunk| before == format!("{exit}{code}{trunk}"))))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_accepted_has_just_the_digits_that_were_written(
        written in writing(),
        code in prop_oneof![Just("CN"), Just("US"), Just("GB"), Just("DE"), Just("JP")],
    ) {
        let Ok(phone) = country(code).phone(&written) else { return Ok(()) };
        let all = digits(&written);
        let before = all.strip_suffix(&phone.extension).expect("the extension comes last");
        let number = phone.number.trim_start_matches('+');
        // Some part of the number, without its country code, ends what was written, and only prefixes stand before it.
        let holds = (0..=3).filter_map(|length| number.get(length..)).any(|national| {
            before.strip_suffix(national).is_some_and(|prefixes| are_prefixes(prefixes, number))
        });
        prop_assert!(holds, "{written:?} is read as {phone:?}");
        let again = country(code).phone(&phone.number).map(|again| again.number);
        prop_assert_eq!(again.as_deref(), Ok(phone.number.as_str()), "what was read is read again");
    }
}
