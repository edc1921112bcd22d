// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reference exporter: QEMU's ivshmem-plain, a PCI device that is a BAR of memory
 * and nothing else. The lower half gets struct pages, the upper half does not.
 *
 * Promises: when the driver lets go of the device, no importer can reach it.
 * Does not: let anyone but root in; it is for tests and for reading.
 */
#include <linux/dma-buf-p2p.h>
#include <linux/module.h>
#include <linux/pci-p2pdma.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ivshmem-memory.h"

/* The CPU's accesses are small ones. */
#define ACCESS_MAX	SZ_1M

static long ioctl_create(struct ivshmem *ivs, void __user *arg)
{
	struct ivshmem_create create;

	if (copy_from_user(&create, arg, sizeof(create)))
		return -EFAULT;
	if (create.flags & ~(IVSHMEM_PAGELESS | IVSHMEM_WHOLE))
		return -EINVAL;
	create.fd = ivshmem_buffer_create(ivs, create.size, create.flags);
	if (create.fd < 0)
		return create.fd;
	/* The descriptor is the caller's already, told or not. */
	return copy_to_user(arg, &create, sizeof(create)) ? -EFAULT : 0;
}

/* The buffer of a descriptor, and the reference that keeps it, in @dmabuf. */
static struct ivshmem_buffer *get_buffer(int fd, struct dma_buf **dmabuf)
{
	struct ivshmem_buffer *buffer;

	*dmabuf = dma_buf_get(fd);
	if (IS_ERR(*dmabuf))
		return ERR_CAST(*dmabuf);
	buffer = ivshmem_buffer_of(*dmabuf);
	if (buffer)
		return buffer;
	dma_buf_put(*dmabuf);
	return ERR_PTR(-EINVAL);
}

static long ioctl_info(struct ivshmem *ivs, void __user *arg)
{
	struct ivshmem_buffer *buffer;
	struct ivshmem_info info;
	struct dma_buf *dmabuf;
	long ret;

	if (copy_from_user(&info, arg, sizeof(info)))
		return -EFAULT;
	buffer = get_buffer(info.fd, &dmabuf);
	if (IS_ERR(buffer))
		return PTR_ERR(buffer);
	/*
	 * Where it is now, told without the dma_resv: who looks must not wait for
	 * a move.
	 */
	info = (struct ivshmem_info){
		.fd = info.fd,
		.place = READ_ONCE(buffer->store.place),
		.offset = READ_ONCE(buffer->first),
		.pins = READ_ONCE(buffer->pins),
		.mappings = READ_ONCE(buffer->mappings),
		.moves = READ_ONCE(buffer->moves),
	};
	info.bus_address = pci_bus_address(ivs->pci, IVSHMEM_BAR_NUMBER) +
			   info.offset;
	ret = copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
	dma_buf_put(dmabuf);
	return ret;
}

static long ioctl_move(void __user *arg)
{
	struct ivshmem_buffer *buffer;
	struct ivshmem_move move;
	struct dma_buf *dmabuf;
	long ret = 0;

	if (copy_from_user(&move, arg, sizeof(move)))
		return -EFAULT;
	if (move.place > IVSHMEM_REVOKED)
		return -EINVAL;
	buffer = get_buffer(move.fd, &dmabuf);
	if (IS_ERR(buffer))
		return PTR_ERR(buffer);
	if (move.place == IVSHMEM_REVOKED) {
		ivshmem_buffer_revoke(buffer);
	} else {
		ret = dma_resv_lock_interruptible(&buffer->resv, NULL);
		if (!ret) {
			ret = ivshmem_buffer_move(buffer, move.place);
			dma_resv_unlock(&buffer->resv);
		}
	}
	dma_buf_put(dmabuf);
	return ret;
}

static long access_bar(struct ivshmem *ivs, const struct ivshmem_access *access,
		       void *data)
{
	u64 size = pci_resource_len(ivs->pci, IVSHMEM_BAR_NUMBER);

	if (access->offset > size || access->len > size - access->offset)
		return -EINVAL;
	if (access->write)
		memcpy_toio(ivs->bar + access->offset, data, access->len);
	else
		memcpy_fromio(data, ivs->bar + access->offset, access->len);
	return 0;
}

static long access_buffer(const struct ivshmem_access *access, void *data)
{
	struct ivshmem_buffer *buffer;
	struct dma_buf *dmabuf;
	long ret;

	buffer = get_buffer(access->fd, &dmabuf);
	if (IS_ERR(buffer))
		return PTR_ERR(buffer);
	ret = dma_resv_lock_interruptible(&buffer->resv, NULL);
	if (ret)
		goto put;
	if (access->offset > buffer->size ||
	    access->len > buffer->size - access->offset)
		ret = -EINVAL;
	else if (buffer->store.place == IVSHMEM_REVOKED)
		ret = -ENODEV;
	else
		ivshmem_store_access(buffer, data, access->offset, access->len,
				     access->write);
	dma_resv_unlock(&buffer->resv);
put:
	dma_buf_put(dmabuf);
	return ret;
}

static long ioctl_access(struct ivshmem *ivs, void __user *arg)
{
	struct ivshmem_access access;
	void __user *user;
	void *data;
	long ret;

	if (copy_from_user(&access, arg, sizeof(access)))
		return -EFAULT;
	if (!access.len || access.len > ACCESS_MAX)
		return -EINVAL;
	user = u64_to_user_ptr(access.data);
	data = kvzalloc(access.len, GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	ret = -EFAULT;
	if (access.write && copy_from_user(data, user, access.len))
		goto free;
	if (access.fd == -1)
		ret = access_bar(ivs, &access, data);
	else
		ret = access_buffer(&access, data);
	if (!ret && !access.write && copy_to_user(user, data, access.len))
		ret = -EFAULT;
free:
	kvfree(data);
	return ret;
}

static long ivshmem_ioctl(struct file *file, unsigned int cmd,
			  unsigned long number)
{
	struct ivshmem *ivs = file->private_data;
	void __user *arg = (void __user *)number;
	long ret;

	ret = down_read_killable(&ivs->alive);
	if (ret)
		return ret;
	if (ivs->gone)
		ret = -ENODEV;
	else if (cmd == IVSHMEM_IOC_CREATE)
		ret = ioctl_create(ivs, arg);
	else if (cmd == IVSHMEM_IOC_INFO)
		ret = ioctl_info(ivs, arg);
	else if (cmd == IVSHMEM_IOC_MOVE)
		ret = ioctl_move(arg);
	else if (cmd == IVSHMEM_IOC_ACCESS)
		ret = ioctl_access(ivs, arg);
	else
		ret = -ENOTTY;
	up_read(&ivs->alive);
	return ret;
}

static int ivshmem_open(struct inode *inode, struct file *file)
{
	struct ivshmem *ivs =
		container_of(file->private_data, struct ivshmem, misc);

	/* misc_deregister() waits for us. */
	kref_get(&ivs->ref);
	file->private_data = ivs;
	return 0;
}

static int ivshmem_release(struct inode *inode, struct file *file)
{
	struct ivshmem *ivs = file->private_data;

	kref_put(&ivs->ref, ivshmem_free);
	return 0;
}

static const struct file_operations ivshmem_fops = {
	.owner = THIS_MODULE,
	.open = ivshmem_open,
	.release = ivshmem_release,
	.unlocked_ioctl = ivshmem_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

void ivshmem_free(struct kref *ref)
{
	kfree(container_of(ref, struct ivshmem, ref));
}

/* What devres gives back, in reverse. */
static int setup_memory(struct ivshmem *ivs)
{
	struct pci_dev *pci = ivs->pci;
	u64 size = pci_resource_len(pci, IVSHMEM_BAR_NUMBER);
	int ret;

	ivs->paged = size / 2;
	ret = pcim_enable_device(pci);
	if (ret)
		return ret;
	pci_set_master(pci);
	ret = dma_buf_p2p_init(pci);
	if (ret)
		return ret;
	ret = pci_p2pdma_add_resource(pci, IVSHMEM_BAR_NUMBER, ivs->paged, 0);
	if (ret)
		return ret;
	ivs->bar = devm_ioremap(&pci->dev,
				pci_resource_start(pci, IVSHMEM_BAR_NUMBER),
				size);
	if (!ivs->bar)
		return -ENOMEM;
	ivs->pageless = devm_gen_pool_create(&pci->dev, PAGE_SHIFT, -1, NULL);
	if (IS_ERR(ivs->pageless))
		return PTR_ERR(ivs->pageless);
	return gen_pool_add(ivs->pageless, ivs->paged, size - ivs->paged, -1);
}

static int ivshmem_probe(struct pci_dev *pci, const struct pci_device_id *id)
{
	struct ivshmem *ivs;
	int ret;

	ivs = kzalloc(sizeof(*ivs), GFP_KERNEL);
	if (!ivs)
		return -ENOMEM;
	ivs->pci = pci;
	kref_init(&ivs->ref);
	init_rwsem(&ivs->alive);
	spin_lock_init(&ivs->lock);
	INIT_LIST_HEAD(&ivs->buffers);
	ret = setup_memory(ivs);
	if (ret)
		goto put;
	ivs->frees = alloc_workqueue("ivshmem-p2p", WQ_UNBOUND, 0);
	if (!ivs->frees) {
		ret = -ENOMEM;
		goto put;
	}
	ivs->misc = (struct miscdevice){
		.minor = MISC_DYNAMIC_MINOR,
		.name = "ivshmem-p2p",
		.fops = &ivshmem_fops,
	};
	ret = misc_register(&ivs->misc);
	if (ret)
		goto destroy;
	pci_set_drvdata(pci, ivs);
	return 0;

destroy:
	destroy_workqueue(ivs->frees);
put:
	kref_put(&ivs->ref, ivshmem_free);
	return ret;
}

/* The next buffer of the list, and the reference that the list had. */
static struct ivshmem_buffer *take_buffer(struct ivshmem *ivs)
{
	struct ivshmem_buffer *buffer;

	spin_lock(&ivs->lock);
	buffer = list_first_entry_or_null(&ivs->buffers, struct ivshmem_buffer,
					  node);
	if (buffer)
		list_del_init(&buffer->node);
	spin_unlock(&ivs->lock);
	return buffer;
}

static void ivshmem_remove(struct pci_dev *pci)
{
	struct ivshmem *ivs = pci_get_drvdata(pci);
	struct ivshmem_buffer *buffer;

	misc_deregister(&ivs->misc);
	down_write(&ivs->alive);
	spin_lock(&ivs->lock);
	ivs->gone = true;
	spin_unlock(&ivs->lock);
	up_write(&ivs->alive);
	/* Those that are closed free themselves; the others lose their memory. */
	destroy_workqueue(ivs->frees);
	while ((buffer = take_buffer(ivs))) {
		ivshmem_buffer_revoke(buffer);
		kref_put(&buffer->ref, ivshmem_buffer_put);
	}
	kref_put(&ivs->ref, ivshmem_free);
}

static const struct pci_device_id ivshmem_ids[] = {
	{ PCI_DEVICE(PCI_VENDOR_ID_REDHAT_QUMRANET, 0x1110) },
	{}
};
MODULE_DEVICE_TABLE(pci, ivshmem_ids);

static struct pci_driver ivshmem_driver = {
	.name = "ivshmem-p2p",
	.id_table = ivshmem_ids,
	.probe = ivshmem_probe,
	.remove = ivshmem_remove,
};
module_pci_driver(ivshmem_driver);

MODULE_DESCRIPTION("Reference exporter of device memory, for QEMU's ivshmem-plain");
MODULE_LICENSE("GPL");
/* Not MODULE_IMPORT_NS(): its argument became a string in Linux 6.13. */
MODULE_INFO(import_ns, "DMA_BUF");
