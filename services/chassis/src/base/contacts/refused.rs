//! Why a text is not taken for a telephone number.

use crate::base::error::Wrong;
use crate::wrong;

pub fn letters() -> Wrong {
    wrong!(Phone, "must not have letters in the number", "号码中不得有字母或文字")
}

pub fn signs() -> Wrong {
    wrong!(Phone, "must not have signs that no telephone number is written with", "不得含有电话号码不使用的符号")
}

pub fn two_numbers() -> Wrong {
    wrong!(Phone, "must have one telephone number, not several", "只能填写一个电话号码，多个号码请分开填写")
}

pub fn decimal() -> Wrong {
    wrong!(
        Phone,
        "must not end in decimals, as a spreadsheet writes numbers",
        "不得以小数结尾，请将表格中的该列设为文本"
    )
}

pub fn no_digits() -> Wrong {
    wrong!(Phone, "must have digits", "须有数字")
}

pub fn too_long() -> Wrong {
    wrong!(Phone, "must not have more digits than a telephone number of its country", "位数多于该国的电话号码")
}

pub fn too_short() -> Wrong {
    wrong!(Phone, "must not have fewer digits than a telephone number of its country", "位数少于该国的电话号码")
}

pub fn no_area_code() -> Wrong {
    wrong!(
        Phone,
        "must begin with the area code and its leading 0, or with + and the country code",
        "须写明以零开头的区号，或以加号和国家代码开头"
    )
}

pub fn no_country() -> Wrong {
    wrong!(Phone, "must have a country code that is in use after + or 00", "国家代码不存在")
}

pub fn not_in_plan() -> Wrong {
    wrong!(Phone, "must be a number that its country assigns", "不在该国的号码编排之内")
}

pub fn not_one_number() -> Wrong {
    wrong!(
        Phone,
        "must not have digits that belong to no number, such as a dialling prefix",
        "含有不属于号码的数字，如拨号前缀"
    )
}

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
