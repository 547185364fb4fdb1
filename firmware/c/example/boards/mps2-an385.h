/* The same board around a Cortex-M3. */
#define BOARD_NAME "mps2-an385"
#include "mps2-an386.h"
