//! Why a text is not taken for a telephone number.

use crate::base::error::Wrong;
use crate::wrong;

/// Letters among the digits.
pub fn letters() -> Wrong {
    wrong!(Phone, "must not have letters in the number", "号码中不得有字母或文字")
}

/// Signs that no telephone number is written with.
pub fn signs() -> Wrong {
    wrong!(Phone, "must not have signs that no telephone number is written with", "不得含有电话号码不使用的符号")
}

/// More than one number.
pub fn two_numbers() -> Wrong {
    wrong!(Phone, "must have one telephone number, not several", "只能填写一个电话号码，多个号码请分开填写")
}

/// Decimals at the end, as spreadsheets write numbers.
pub fn decimal() -> Wrong {
    wrong!(
        Phone,
        "must not end in decimals, as a spreadsheet writes numbers",
        "不得以小数结尾，请将表格中的该列设为文本"
    )
}

/// No digit at all.
pub fn no_digits() -> Wrong {
    wrong!(Phone, "must have digits", "须有数字")
}

/// More digits than a number of its country has.
pub fn too_long() -> Wrong {
    wrong!(Phone, "must not have more digits than a telephone number of its country", "位数多于该国的电话号码")
}

/// Fewer digits than a number of its country has.
pub fn too_short() -> Wrong {
    wrong!(Phone, "must not have fewer digits than a telephone number of its country", "位数少于该国的电话号码")
}

/// Neither an area code nor a country code.
pub fn no_area_code() -> Wrong {
    wrong!(
        Phone,
        "must begin with + and the country code, or with the area code and its leading 0",
        "须写明以 0 开头的区号，或以加号和国家代码开头"
    )
}

/// A country code that is not in use.
pub fn no_country() -> Wrong {
    wrong!(Phone, "must have a country code that is in use after + or 00", "加号或 00 之后的国家代码不存在")
}

/// A number that its country does not assign.
pub fn not_in_plan() -> Wrong {
    wrong!(Phone, "must be a number that its country assigns", "不在该国的号码编排之内")
}

/// Digits that belong to no number.
pub fn not_one_number() -> Wrong {
    wrong!(
        Phone,
        "must not have digits that belong to no number, such as a dialling prefix",
        "含有不属于号码的数字，如拨号前缀"
    )
}

/// An extension that is too long or has no digits.
pub fn extension() -> Wrong {
    wrong!(Phone, "must have an extension of 1 to 11 digits after its mark", "分机号须为1至11位数字")
}

/// What the library says of a text that it does not read.
pub fn parse(error: &phonenumber::ParseError) -> Wrong {
    match error {
        phonenumber::ParseError::InvalidCountryCode => no_country(),
        phonenumber::ParseError::TooLong => too_long(),
        _ => too_short(),
    }
}
