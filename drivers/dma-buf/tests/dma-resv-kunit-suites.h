/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The suites as kunit_test_suite() of compat/kunit.h names them for one module.
 */
#ifndef __DMA_RESV_KUNIT_SUITES_H
#define __DMA_RESV_KUNIT_SUITES_H

#include <kunit/test.h>

extern struct kunit_suite dma_fence_set_suite_of_module;
extern struct kunit_suite dma_resv_import_suite_of_module;
extern struct kunit_suite dma_resv_steps_suite_of_module;
extern struct kunit_suite dma_resv_export_suite_of_module;
extern struct kunit_suite dma_resv_many_suite_of_module;
extern struct kunit_suite dma_resv_fault_suite_of_module;
extern struct kunit_suite dma_resv_legacy_suite_of_module;
extern struct kunit_suite dma_resv_model_suite_of_module;

#endif /* __DMA_RESV_KUNIT_SUITES_H */
