// SPDX-License-Identifier: GPL-2.0-only
/*
 * One init function for all suites of the module, for a KUnit that makes one of
 * each call of kunit_test_suite()
 */

#include "dma-resv-kunit-suites.h"

kunit_test_suites(&dma_fence_set_suite_of_module,
		  &dma_resv_import_suite_of_module,
		  &dma_resv_steps_suite_of_module,
		  &dma_resv_export_suite_of_module,
		  &dma_resv_many_suite_of_module,
		  &dma_resv_fault_suite_of_module,
		  &dma_resv_legacy_suite_of_module,
		  &dma_resv_model_suite_of_module);
