/*
 * For the planners: adding a step.
 */
#ifndef RESIZE_STEPS_H
#define RESIZE_STEPS_H

#include "resize/plan.h"

int resize_add_step(struct resize_steps *steps, const struct resize_step *step,
                    struct error *error);

#endif
