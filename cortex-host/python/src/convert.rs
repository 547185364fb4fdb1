//! Values and errors from one language to the other.

use cortex_host::{Error, ExitCode, Value};
use pyo3::exceptions::{
    PyConnectionError, PyKeyboardInterrupt, PyOSError, PyTypeError, PyValueError,
};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyString, PyTuple};

/// The exception of an error, with its sentence: `OSError` for files, `ConnectionError` for devices,
/// else `ValueError`.
pub(crate) fn exception(error: Error) -> PyErr {
    let sentence = error.to_string();
    match error.code() {
        ExitCode::InputOutput => PyOSError::new_err(sentence),
        ExitCode::Device => PyConnectionError::new_err(sentence),
        ExitCode::Interrupted => PyKeyboardInterrupt::new_err(sentence),
        _ => PyValueError::new_err(sentence),
    }
}

/// A parameter's value.
///
/// # Errors
/// `TypeError` for what no configuration can hold.
pub(crate) fn value(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    if let Ok(value) = object.cast::<PyBool>() {
        return Ok(value.is_true().into());
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(text.to_string().into());
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        return Ok(Value::Table(entries(dict)?));
    }
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        let items = object.try_iter()?.map(|item| value(&item?));
        return Ok(Value::List(items.collect::<PyResult<_>>()?));
    }
    if let Ok(integer) = object.extract::<i128>() {
        return Ok(Value::Integer(integer));
    }
    if let Ok(number) = object.extract::<f64>() {
        return Ok(number.into());
    }
    let kind = object.get_type().name()?;
    Err(PyTypeError::new_err(format!(
        "a {kind} is no parameter's value; give a number, a str, a bool, a list or a dict"
    )))
}

/// The entries of a table without those that are `None`.
///
/// # Errors
/// `TypeError` for keys that are no text and values as in [`value`].
pub(crate) fn entries(dict: &Bound<'_, PyDict>) -> PyResult<Vec<(String, Value)>> {
    let given = dict.iter().filter(|(_, object)| !object.is_none());
    given.map(|(key, object)| Ok((key.extract()?, value(&object)?))).collect()
}
