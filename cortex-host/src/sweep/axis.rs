//! What varies: a key and its values.

use std::str::FromStr;

use crate::base::quoted;
use crate::config::Setting;

/// A key and the values it takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The key, such as `dataset.channels`.
    pub key: String,
    /// Its values as YAML, each once.
    pub values: Vec<String>,
}

impl FromStr for Axis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, values) = text
            .split_once('=')
            .ok_or_else(|| "give KEY=VALUES, such as dataset.channels=64..4096".to_owned())?;
        let values: Vec<String> = match values.split_once("..") {
            Some((from, to)) => {
                let number = |text: &str| {
                    text.trim().parse::<u64>().ok().filter(|number| *number > 0).ok_or_else(|| {
                        format!("{text:?} is no whole number above 0; give A..B such as 64..4096")
                    })
                };
                let (from, to) = (number(from)?, number(to)?);
                if from > to {
                    return Err(format!("{from} is above {to}; give the smaller one first"));
                }
                let doubled = std::iter::successors(Some(from), |value| value.checked_mul(2));
                doubled.take_while(|value| *value <= to).map(|value| value.to_string()).collect()
            }
            None => values.split(',').map(|value| value.trim().to_owned()).collect(),
        };
        if values.iter().any(String::is_empty) {
            let what = if values.len() > 1 { "a value is empty" } else { "there is no value" };
            return Err(format!("{what}; give values, such as {key}=64,128"));
        }
        for (index, value) in values.iter().enumerate() {
            Setting::new(key.trim(), value)?;
            if values.iter().take(index).any(|before| before == value) {
                return Err(format!("{} is there twice; give each value once", quoted(value)));
            }
        }
        Ok(Self { key: key.trim().to_owned(), values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_listed_or_doubled() {
        let values = |text: &str| text.parse::<Axis>().map(|axis| axis.values);
        assert_eq!(values("dataset.channels=64..300").unwrap(), ["64", "128", "256"]);
        assert_eq!(values("k.taps= 33, 129").unwrap(), ["33", "129"]);
        for wrong in ["dataset.channels", "a=", "a=1,,2", "a=0..4", "a=8..4", "a=3,4,3", "=1"] {
            assert!(values(wrong).is_err(), "{wrong}");
        }
    }
}
