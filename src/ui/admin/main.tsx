import { mountPage } from '../parts/page.tsx';
import { Admin } from './admin.tsx';

mountPage(Admin);
