//! Random numbers: one ChaCha8 stream per channel, Gaussian numbers from its words.
